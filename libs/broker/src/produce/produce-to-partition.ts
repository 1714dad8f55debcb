import { resolveConfigs, type Topic } from '@sluice/log';
import { RecordsError, type Findings } from '@sluice/records';
import { ErrorCode, type Produce, type RequestOf } from '@sluice/wire';
import type { Partition } from '../partitions/partition';
import type { RequestContext } from '../requests/context';
import { storageErrorCode } from '../requests/error-codes';
import { NotExamined } from '../examiner/examination';
import type { Examiner } from '../examiner/examiner';
import { appendReply, refusalOf, refusedReply } from './partition-reply';
import type { PartitionReply, Refusal } from './partition-reply';
import { checkHeader, prepare, rulesOf, type Appendable } from './produced-batch';

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
  /** No compressed batch is opened after this time. */
  readonly examineUntilMs: number;
}

/** Told once what the client is to know. */
type Done = (reply: PartitionReply) => void;

/**
 * Checks one partition's batch and gives it its place in the line of appends. What can be refused
 * at once is; a batch whose records are examined elsewhere keeps its place: what comes after it on
 * the same connection, for the same partition, is appended after it.
 */
export function produceToPartition(
  produced: Produced,
  topic: Topic | undefined,
  { index, records }: PartitionData,
  done: Done,
): void {
  const { context, acks, examineUntilMs } = produced;
  const { services, apiVersion } = context;
  const refuse = (refusal: Refusal) => done(refusedReply(index, refusal));
  if (acks < acksAll || acks > 1) return refuse({ errorCode: ErrorCode.INVALID_REQUIRED_ACKS });
  if (apiVersion < servedVersionMin) return refuse({ errorCode: ErrorCode.UNSUPPORTED_VERSION });
  const partition = topic && services.partitions.get(topic, index);
  if (!partition) return refuse({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
  const config = resolveConfigs(topic);
  const header = checkHeader(records, config, apiVersion);
  if ('errorCode' in header) return refuse(header);
  const batch = records!;
  const rules = rulesOf(config, header, services.clock.nowMs());

  const fail = (error: unknown) => refuse(refusalFor(error, context));
  const append = (findings: Findings) => {
    const told = findings.repacked === null ? done : lettingGo(findings, services.examiner, done);
    let prepared: Appendable | Refusal;
    try {
      const nowMs = services.clock.nowMs();
      prepared = prepare(batch, header, findings, { config, rules, nowMs });
    } catch (error) {
      return told(refusedReply(index, refusalFor(error, context)));
    }
    if ('errorCode' in prepared) return told(refusedReply(index, prepared));
    const copies = acks === acksAll ? config.minInsyncReplicas - 1 : 0;
    appendTo(partition, prepared, copies, context, index, told);
  };
  let findings: Findings | Promise<Findings>;
  try {
    findings = services.examiner.examine(batch, header, rules, examineUntilMs);
  } catch (error) {
    return fail(error);
  }
  const line = { connection: context.signal, partition };
  if (findings instanceof Promise || !services.lines.isFree(line)) {
    services.lines.enter(line, findings, append, fail);
  } else append(findings);
}

/** Until the client is told, the batch that is stored in place of its own is in memory. */
function lettingGo(findings: Findings, examiner: Examiner, done: Done): Done {
  return (reply) => {
    done(reply);
    examiner.letGo(findings);
  };
}

function appendTo(
  partition: Partition,
  { batch, logAppendTimeMs }: Appendable,
  copies: number,
  context: RequestContext,
  index: number,
  done: Done,
): void {
  partition.append(batch, copies, (outcome, error) => {
    if (outcome) return done(appendReply(index, outcome, logAppendTimeMs));
    // A connection to Redis that broke may not have let go of the batch yet.
    context.keepFrame();
    done(refusedReply(index, refusalFor(error, context)));
  });
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
