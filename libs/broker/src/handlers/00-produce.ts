import type { LogFields } from '@sluice/base';
import { ErrorCode, errorInfo, Produce, type RequestOf } from '@sluice/wire';
import { limits } from '../limits';
import { refusedReply, type PartitionReply } from '../produce/partition-reply';
import { produceToPartition, type Produced } from '../produce/produce-to-partition';
import { CloseConnection } from '../requests/close-connection';
import type { RequestContext } from '../requests/context';
import {
  asksForLeader,
  tellLeaders,
  type CurrentLeader,
  type NodeEndpoint,
} from '../requests/current-leader';
import { handle, noReply, type Answer } from '../requests/handler';
import { LaterAnswer } from '../requests/later-answer';

type ProduceRequest = RequestOf<typeof Produce>;

/**
 * Produce, v3–v11; v0–v2 are advertised, as Kafka does (KAFKA-18659), and refused. v7: zstd.
 * v8: error messages, and the records to blame. v9: flexible. v10: who leads where it is not this
 * broker (KIP-951). Not covered: transactions (a batch of one is refused).
 */
export const produce = handle(
  Produce,
  (context, request) => {
    const producing = new Producing(context, request);
    producing.begin();
    return producing;
  },
  { pipelined: true },
);

/** From this version on a client is told where to go. */
const leaderToldVersion = 10;

/** Stands in the place of a reply that has not come. */
const missingReply = refusedReply(-1, { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR });

/**
 * One request under way. One object with methods in place of closures: this is the hottest path.
 */
class Producing extends LaterAnswer<Answer<typeof Produce>> implements Produced {
  readonly acks: number;
  readonly needsLeader = true;
  readonly examineUntilMs: number;
  /** Most have one: an array that grows from none makes room for seventeen (in V8). */
  private readonly replies: PartitionReply[] = [missingReply];
  private places = 0;
  private missing = 1;

  constructor(
    readonly context: RequestContext,
    private readonly request: ProduceRequest,
  ) {
    super();
    this.acks = request.acks;
    this.examineUntilMs = context.services.clock.monotonicMs() + limits.examineMsMax;
  }

  begin(): void {
    for (const { name, partitionData } of this.request.topicData) {
      const topic = this.context.services.catalog.byName(name);
      for (const data of partitionData) {
        const place = this.places++;
        this.missing++;
        this.replies[place] = missingReply;
        produceToPartition(this, place, topic, data);
      }
    }
    this.finish();
  }

  told(place: number, reply: PartitionReply): void {
    this.replies[place] = reply;
    this.finish();
  }

  private answerAll(): void {
    const { context, request, replies } = this;
    const isMisled =
      context.apiVersion >= leaderToldVersion &&
      replies.some(({ errorCode }) => asksForLeader(errorCode));
    if (!isMisled) return this.answer(toResponse(request, replies));
    this.tellLeaders().then(
      (nodeEndpoints) => this.answer({ ...toResponse(request, replies), nodeEndpoints }),
      (error: unknown) => this.fail(error),
    );
  }

  private tellLeaders(): Promise<NodeEndpoint[]> {
    const { context, request, replies } = this;
    const names = request.topicData.flatMap(({ name, partitionData }) =>
      partitionData.map(() => name),
    );
    const answers = replies.map(({ index, errorCode }, at) => ({
      topic: context.services.catalog.byName(names[at]!),
      index,
      errorCode,
      tell: (currentLeader: CurrentLeader) => {
        replies[at] = { ...replies[at]!, currentLeader };
      },
    }));
    return tellLeaders(context.services, answers);
  }

  private finish(): void {
    if (--this.missing > 0) return;
    const { request, replies } = this;
    if (request.acks !== 0) return this.answerAll();
    const failure = firstFailure(request, replies);
    // The client wants no reply; a closed connection is the one way to tell it (as in Kafka).
    if (failure) this.fail(new CloseConnection('a produce with acks=0 failed', failure));
    else this.answer(noReply);
  }
}

/** What the log says of the first refusal, which no reply tells; null where there is none. */
function firstFailure({ topicData }: ProduceRequest, replies: PartitionReply[]): LogFields | null {
  let at = 0;
  for (const { name, partitionData } of topicData) {
    for (const { index } of partitionData) {
      const { errorCode, errorMessage } = replies[at++]!;
      if (errorCode === ErrorCode.NONE) continue;
      const error = errorInfo(errorCode).name;
      const reason = errorMessage ? { reason: errorMessage } : {};
      return { topic: name, partition: index, error, ...reason };
    }
  }
  return null;
}

function toResponse({ topicData }: ProduceRequest, replies: PartitionReply[]) {
  let at = 0;
  const responses = topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses:
      partitionData.length === replies.length
        ? replies
        : replies.slice(at, (at += partitionData.length)),
  }));
  return { responses, throttleTimeMs: 0 };
}
