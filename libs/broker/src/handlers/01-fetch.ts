import { ErrorCode, Fetch, type RequestOf } from '@sluice/wire';
import type { RequestContext } from '../requests/context';
import { asksForLeader, tellLeaders, type CurrentLeader } from '../requests/current-leader';
import { ledHere, unsureCode } from '../requests/led-here';
import { FetchPlan, type FetchTarget } from '../fetch/fetch-plan';
import { fetchBytesMax, reserveFetchMemory } from '../fetch/fetch-memory';
import { waitForChange } from '../fetch/fetch-wait';
import { limits } from '../limits';
import { handle } from '../requests/handler';
import { findTopic } from '../requests/named-topic';

type FetchRequest = RequestOf<typeof Fetch>;

const noRecords = Buffer.alloc(0);
/** From this version on a client is told where to go. */
const leaderToldVersion = 12;
/** What unknown offsets are reported as in a partition that has an error. */
const unknownOffset = -1;

/**
 * Fetch, v4–v17. v7: fetch sessions (KIP-227) are declined with session id 0, so clients send
 * full fetches. v9: leader epochs are checked. v12: who leads where it is not this broker, or in
 * another epoch, and v16 where that is (KIP-951). v13: topic ids. Not covered: aborted
 * transactions (there are none), replicas.
 */
export const fetch = handle(Fetch, async (context, request) => {
  if (request.sessionId !== 0 && request.sessionEpoch > 0) {
    return { errorCode: ErrorCode.FETCH_SESSION_ID_NOT_FOUND, responses: [] };
  }
  const targets = targetsOf(context, request);
  const bytesMax = fetchBytesMax(context.services, request.maxBytes);
  const plan = new FetchPlan(targets, bytesMax, () => unsureCode(context.services));
  context.onReplySent(() => plan.release());
  const memory = reserveFetchMemory(context);
  await readUntilEnough(context, request, plan, memory.reserve);
  memory.settle(plan.bytes);
  const response = toResponse(request, targets);
  return isMisled(context, targets) ? withLeaders(context, response) : response;
});

/**
 * Reads, and where that is less than the client's minimum waits for more, until the client's time
 * is up. What ends the wait before, and what does not, as in Kafka (`KafkaApis.handleFetchRequest`,
 * `ReplicaManager.fetchMessages`, `DelayedFetch.tryComplete`):
 *
 * | What comes up                                        | Wait                               |
 * | ---------------------------------------------------- | ---------------------------------- |
 * | topic, topic id or partition index that is not known | goes on, for the others; where all |
 * |                                                      | are unknown there is none          |
 * | another gateway leads the partition, now or since    | ends                               |
 * | offset out of range                                  | ends                               |
 * | leader epoch older or newer than the partition's     | ends                               |
 * | Redis fails (storage error, or no reply in time)     | ends                               |
 * | this gateway's session may be over, so that another | ends                               |
 * | may lead by now                                      |                                    |
 * | partition that is deleted while the fetch waits      | ends                               |
 * | client gone, gateway stops                           | ends                               |
 *
 * Were the first row to end it, a client that still asks for a topic which was deleted would ask
 * thousands of times a second.
 */
async function readUntilEnough(
  { services, signal }: RequestContext,
  request: FetchRequest,
  plan: FetchPlan,
  reserve: (bytes: number) => Promise<boolean>,
): Promise<void> {
  const { clock } = services;
  const waitMs = Math.min(Math.max(request.maxWaitMs, 0), limits.fetchWaitMsMax);
  const endMs = clock.monotonicMs() + waitMs;
  while (true) {
    await plan.lookForData();
    const readable = plan.readableBytes();
    if (readable > 0) {
      if (!(await reserve(readable))) return;
      await plan.read();
    }
    const leftMs = endMs - clock.monotonicMs();
    if (plan.failed || plan.bytes >= request.minBytes || leftMs <= 0 || signal.aborted) return;
    const partitions = plan.partitions();
    if (plan.full || partitions.length === 0) return;
    if (plan.changedSinceLook) continue;
    services.waitingFetches.count++;
    await waitForChange(partitions, leftMs, { clock, signal });
    services.waitingFetches.count--;
  }
}

function targetsOf({ services }: RequestContext, request: FetchRequest): FetchTarget[] {
  return request.topics.flatMap(({ topic: name, topicId, partitions }) => {
    const topic = findTopic(services, { name, topicId });
    return partitions.map((wanted) => {
      const found = typeof topic === 'number' ? topic : ledHere(services, topic, wanted.partition);
      const isFound = typeof found !== 'number';
      // All of one shape, and none made by spreading: there is one for each partition of a fetch.
      return {
        partition: isFound ? found : undefined,
        errorCode: isFound ? ErrorCode.NONE : found,
        leaderEpoch: wanted.currentLeaderEpoch,
        nextOffset: wanted.fetchOffset,
        bytesMax: wanted.partitionMaxBytes,
        chunks: [],
        bytes: 0,
        highWatermark: unknownOffset,
        logEndOffset: unknownOffset,
        logStartOffset: unknownOffset,
        changesSeen: 0,
      };
    });
  });
}

function toResponse(request: FetchRequest, targets: FetchTarget[]) {
  let at = 0;
  const responses = request.topics.map(({ topic, topicId, partitions }) => ({
    topic,
    topicId,
    partitions: partitions.map(({ partition: partitionIndex }) => {
      const { errorCode, highWatermark, logStartOffset, chunks } = targets[at++]!;
      const failed = errorCode !== ErrorCode.NONE;
      return {
        partitionIndex,
        errorCode,
        highWatermark: failed ? unknownOffset : highWatermark,
        lastStableOffset: failed ? unknownOffset : highWatermark,
        logStartOffset: failed ? unknownOffset : logStartOffset,
        abortedTransactions: null,
        // Never null: librdkafka takes a length of −1 for an invalid message set.
        records: failed || chunks.length === 0 ? noRecords : chunks,
      };
    }),
  }));
  return { responses };
}

/** Whether the client came to the wrong broker, and can be told who leads. */
function isMisled({ apiVersion }: RequestContext, targets: FetchTarget[]): boolean {
  if (apiVersion < leaderToldVersion) return false;
  return targets.some(({ errorCode }) => asksForLeader(errorCode));
}

/** The response, with the leaders of the partitions for which the client came to the wrong one. */
async function withLeaders({ services }: RequestContext, response: ReturnType<typeof toResponse>) {
  const leaders = new Map<object, CurrentLeader>();
  const answers = response.responses.flatMap(({ partitions, ...named }) => {
    const topic = findTopic(services, { name: named.topic, topicId: named.topicId });
    return partitions.map((one) => ({
      topic: typeof topic === 'number' ? undefined : topic,
      index: one.partitionIndex,
      errorCode: one.errorCode,
      tell: (leader: CurrentLeader) => void leaders.set(one, leader),
    }));
  });
  const nodeEndpoints = await tellLeaders(services, answers);
  const responses = response.responses.map(({ partitions, ...named }) => ({
    ...named,
    partitions: partitions.map((one) => ({ ...one, currentLeader: leaders.get(one) })),
  }));
  return { responses, nodeEndpoints };
}
