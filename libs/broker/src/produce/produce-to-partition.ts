import { confirmationFor, examineRulesOf, resolveConfigs, storageErrorCode } from '@sluice/log';
import type { Appendable, AppendDone, Topic, TopicConfig } from '@sluice/log';
import { RecordsError, type BatchHeader, type ExamineRules, type Findings } from '@sluice/records';
import { ErrorCode, type Produce, type RequestOf } from '@sluice/wire';
import type { Partition } from '../partitions/partition';
import { isElsewhere, type Led } from '../partitions/partitions';
import type { RequestContext } from '../requests/context';
import { NotExamined } from '../examiner/examination';
import { appendReply, refusalOf, refusedReply } from './partition-reply';
import type { PartitionReply, Refusal } from './partition-reply';
import { checkHeader, prepare } from './produced-batch';

type PartitionData = RequestOf<typeof Produce>['topicData'][number]['partitionData'][number];

const acksAll = -1;
/**
 * Versions below it carried older record formats; they are advertised only for librdkafka's sake.
 */
const servedVersionMin = 3;

/** What all partitions of a request share. */
export interface Produced {
  readonly context: RequestContext;
  readonly acks: number;
  /** Whether only the partition's leader appends it. */
  readonly needsLeader: boolean;
  /** No compressed batch is opened after this time. */
  readonly examineUntilMs: number;
  /** Told once, for each place, what the client is to know. */
  told(place: number, reply: PartitionReply): void;
}

/** A batch whose header is good, on its way to its partition's line. */
interface Checked {
  readonly produced: Produced;
  readonly place: number;
  readonly partition: Partition;
  readonly index: number;
  readonly bytes: Buffer;
  readonly header: BatchHeader;
  readonly config: TopicConfig;
  readonly rules: ExamineRules;
}

/**
 * Checks one partition's batch and gives it its place in the line of appends. What can be refused
 * at once is; a batch whose records are examined elsewhere keeps its place: what comes after it on
 * the same connection, for the same partition, is appended after it.
 *
 * This is the hottest path, and what is kept of a batch while Redis works is copied by the garbage
 * collector: once it is appended, nothing has a hold on its header or on what was found in it.
 *
 * @param place what `produced.told` is given with the reply
 */
export function produceToPartition(
  produced: Produced,
  place: number,
  topic: Topic | undefined,
  { index, records }: PartitionData,
): void {
  const { acks, context } = produced;
  const { services, apiVersion } = context;
  if (acks < acksAll || acks > 1) {
    return refuse(produced, place, index, { errorCode: ErrorCode.INVALID_REQUIRED_ACKS });
  }
  if (apiVersion < servedVersionMin) {
    return refuse(produced, place, index, { errorCode: ErrorCode.UNSUPPORTED_VERSION });
  }
  const partition = topic && partitionFor(produced, topic, index);
  if (topic === undefined || partition === undefined) {
    return refuse(produced, place, index, { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
  }
  if (isElsewhere(partition)) {
    return refuse(produced, place, index, { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER });
  }
  const config = resolveConfigs(topic);
  const header = checkHeader(records, config, apiVersion);
  if ('errorCode' in header) return refuse(produced, place, index, header);
  const rules = examineRulesOf(config, header, services.clock.nowMs());
  examine({ produced, place, partition, index, bytes: records!, header, config, rules });
}

function partitionFor({ context, needsLeader }: Produced, topic: Topic, index: number): Led {
  const { partitions } = context.services;
  return needsLeader ? partitions.lead(topic, index) : partitions.open(topic, index);
}

function refuse(produced: Produced, place: number, index: number, refusal: Refusal): void {
  produced.told(place, refusedReply(index, refusal));
}

/** Has the records examined, here or elsewhere, and the batch appended when its turn comes. */
function examine(checked: Checked): void {
  const { produced, partition, bytes, header, rules } = checked;
  const { context, examineUntilMs } = produced;
  const { examiner, lines } = context.services;
  let findings: Findings | Promise<Findings>;
  try {
    findings = examiner.examine(bytes, header, rules, examineUntilMs);
  } catch (error) {
    return fail(checked, error);
  }
  const isHere = !(findings instanceof Promise);
  if (isHere && lines.isFree(context.signal, partition))
    return append(checked, findings as Findings);
  standInLine(checked, findings);
}

function standInLine(checked: Checked, findings: Findings | Promise<Findings>): void {
  const { produced, partition } = checked;
  const { signal, services } = produced.context;
  services.lines.enter(
    { connection: signal, partition },
    findings,
    (found) => append(checked, found),
    (error) => fail(checked, error),
  );
}

function append(checked: Checked, findings: Findings): void {
  const { produced, place, index, partition, bytes, header, config } = checked;
  const { context, acks } = produced;
  let prepared: Appendable;
  try {
    prepared = prepare(bytes, header, findings, checked, context.services.clock);
  } catch (error) {
    fail(checked, error);
    return letGo(produced, findings);
  }
  const { batch, logAppendTimeMs } = prepared;
  const repacked = findings.repacked === null ? null : findings;
  const done = tellWhenAppended(produced, place, index, logAppendTimeMs, repacked);
  partition.append(batch, confirmationFor(config, acks), done);
}

/** @param repacked what is in memory until the client is told; null: nothing */
function tellWhenAppended(
  produced: Produced,
  place: number,
  index: number,
  logAppendTimeMs: number,
  repacked: Findings | null,
): AppendDone {
  return (outcome, error) => {
    if (outcome) produced.told(place, appendReply(index, outcome, logAppendTimeMs));
    else {
      // A connection to Redis that broke may not have let go of the batch yet.
      produced.context.keepFrame();
      refuse(produced, place, index, refusalFor(error, produced.context));
    }
    if (repacked !== null) letGo(produced, repacked);
  };
}

function fail({ produced, place, index }: Checked, error: unknown): void {
  refuse(produced, place, index, refusalFor(error, produced.context));
}

function letGo({ context }: Produced, findings: Findings): void {
  context.services.examiner.letGo(findings);
}

/** The refusal for what was thrown; an error of our own goes into the log. */
function refusalFor(error: unknown, { services }: RequestContext): Refusal {
  if (error instanceof RecordsError) return refusalOf(error);
  const errorCode =
    error instanceof NotExamined ? ErrorCode.KAFKA_STORAGE_ERROR : storageErrorCode(error);
  if (errorCode !== undefined) return { errorCode, message: (error as Error).message };
  services.log.error('a batch could not be appended', {
    error: (error as Error).stack ?? String(error),
  });
  return { errorCode: ErrorCode.UNKNOWN_SERVER_ERROR };
}
