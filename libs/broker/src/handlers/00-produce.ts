import type { LogFields } from '@sluice/base';
import { ErrorCode, errorInfo, Produce, type RequestOf } from '@sluice/wire';
import { limits } from '../limits';
import { refusedReply, type PartitionReply } from '../produce/partition-reply';
import { produceToPartition } from '../produce/produce-to-partition';
import { CloseConnection } from '../requests/close-connection';
import { handle, noReply } from '../requests/handler';

type ProduceRequest = RequestOf<typeof Produce>;

/**
 * Produce, v3–v11; v0–v2 are advertised, as Kafka does (KAFKA-18659), and refused. v7: zstd. v8:
 * error messages, and the records to blame. v9: flexible. Not covered: transactions (a batch of one
 * is refused), and v10's current leader: there is one broker.
 */
export const produce = handle(
  Produce,
  (context, request) =>
    new Promise((resolve, reject) => {
      const replies: PartitionReply[] = [];
      const { services } = context;
      const examineUntilMs = services.clock.monotonicMs() + limits.examineMsMax;
      const produced = { context, acks: request.acks, examineUntilMs };
      let missing = 1;
      const finish = () => {
        if (--missing > 0) return;
        if (request.acks !== 0) return resolve(toResponse(request, replies));
        const failure = firstFailure(request, replies);
        // The client wants no reply; a closed connection is the one way to tell it (as in Kafka).
        if (failure) reject(new CloseConnection('a produce with acks=0 failed', failure));
        else resolve(noReply);
      };
      for (const { name, partitionData } of request.topicData) {
        const topic = services.catalog.byName(name);
        for (const data of partitionData) {
          const at = replies.length;
          replies.push(refusedReply(data.index, { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR }));
          missing++;
          produceToPartition(produced, topic, data, (reply) => {
            replies[at] = reply;
            finish();
          });
        }
      }
      finish();
    }),
  { pipelined: true },
);

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

function toResponse(request: ProduceRequest, replies: PartitionReply[]) {
  let at = 0;
  const responses = request.topicData.map(({ name, partitionData }) => ({
    name,
    partitionResponses: replies.slice(at, (at += partitionData.length)),
  }));
  return { responses, throttleTimeMs: 0 };
}
