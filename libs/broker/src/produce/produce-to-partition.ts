import {
  examineRulesOf,
  resolveConfigs,
  storageErrorCode,
  type Appendable,
  type Topic,
  type TopicConfig,
} from '@sluice/log';
import { RecordsError, type BatchHeader, type ExamineRules, type Findings } from '@sluice/records';
import { ErrorCode, type Produce, type RequestOf } from '@sluice/wire';
import type { Partition } from '../partitions/partition';
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
  const { acks, context } = produced;
  const { services, apiVersion } = context;
  const refuse = (refusal: Refusal) => done(refusedReply(index, refusal));
  if (acks < acksAll || acks > 1) return refuse({ errorCode: ErrorCode.INVALID_REQUIRED_ACKS });
  if (apiVersion < servedVersionMin) return refuse({ errorCode: ErrorCode.UNSUPPORTED_VERSION });
  const partition = topic && services.partitions.get(topic, index);
  if (!partition) return refuse({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION });
  const config = resolveConfigs(topic);
  const header = checkHeader(records, config, apiVersion);
  if ('errorCode' in header) return refuse(header);
  new CheckedBatch(produced, partition, index, records!, header, config, done).examine();
}

/**
 * A batch whose header is good, on its way to its partition's line. One object for each, with
 * methods in place of closures: this is the hottest path.
 */
class CheckedBatch {
  private readonly rules: ExamineRules;

  constructor(
    private readonly produced: Produced,
    private readonly partition: Partition,
    private readonly index: number,
    private readonly bytes: Buffer,
    private readonly header: BatchHeader,
    private readonly config: TopicConfig,
    private readonly done: Done,
  ) {
    this.rules = examineRulesOf(config, header, produced.context.services.clock.nowMs());
  }

  /** Has the records examined, here or elsewhere, and the batch appended when its turn comes. */
  examine(): void {
    const { context, examineUntilMs } = this.produced;
    const { examiner, lines } = context.services;
    let findings: Findings | Promise<Findings>;
    try {
      findings = examiner.examine(this.bytes, this.header, this.rules, examineUntilMs);
    } catch (error) {
      return this.fail(error);
    }
    if (!(findings instanceof Promise) && lines.isFree(context.signal, this.partition)) {
      return this.append(findings);
    }
    lines.enter(
      { connection: context.signal, partition: this.partition },
      findings,
      (found) => this.append(found),
      (error) => this.fail(error),
    );
  }

  private append(findings: Findings): void {
    const { config, rules, header } = this;
    const { context, acks } = this.produced;
    let prepared: Appendable;
    try {
      prepared = prepare(this.bytes, header, findings, { config, rules }, context.services.clock);
    } catch (error) {
      return this.tell(refusedReply(this.index, refusalFor(error, context)), findings);
    }
    const { batch, logAppendTimeMs } = prepared;
    const copies = acks === acksAll ? config.minInsyncReplicas - 1 : 0;
    this.partition.append(batch, copies, (outcome, error) => {
      if (outcome) return this.tell(appendReply(this.index, outcome, logAppendTimeMs), findings);
      // A connection to Redis that broke may not have let go of the batch yet.
      context.keepFrame();
      this.tell(refusedReply(this.index, refusalFor(error, context)), findings);
    });
  }

  private fail(error: unknown): void {
    this.done(refusedReply(this.index, refusalFor(error, this.produced.context)));
  }

  /** Until the client is told, the batch that is stored in place of its own is in memory. */
  private tell(reply: PartitionReply, findings: Findings): void {
    this.done(reply);
    if (findings.repacked !== null) this.produced.context.services.examiner.letGo(findings);
  }
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
