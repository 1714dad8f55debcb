import type { Logger, TroubleLog } from '@sluice/base';
import type { PartitionRef, PartitionStore, PartitionWriter } from '@sluice/log';

/** What the writers of a process have in common. */
export interface PartitionWritersOptions {
  store: Pick<PartitionStore, 'writer'>;
  replicationTimeoutMs: number;
  log: Logger;
  /** Told of calls that fail. */
  trouble: Pick<TroubleLog, 'note'>;
}

/** Appends depend on no leadership, as those of a gateway; see `noLeadership` in libs/broker. */
const noLeadership = -1;
/** Whoever appends hears of it from its own `done`. */
const nobodyAsks = (): void => undefined;

/** The one line of appends of this process to each partition, whoever of it appends. */
export class PartitionWriters {
  readonly #byTopicId = new Map<string, Map<number, PartitionWriter>>();

  constructor(private readonly options: PartitionWritersOptions) {}

  of(ref: PartitionRef): PartitionWriter {
    const { topicId, partition } = ref;
    let ofTopic = this.#byTopicId.get(topicId);
    if (ofTopic === undefined) this.#byTopicId.set(topicId, (ofTopic = new Map()));
    let writer = ofTopic.get(partition);
    if (writer === undefined) ofTopic.set(partition, (writer = this.#make(ref)));
    return writer;
  }

  /** The topic is gone; what is still appended to it is refused by the log. */
  forget(topicId: string): void {
    this.#byTopicId.delete(topicId);
  }

  /** What was not sent yet is refused, and all that comes. */
  close(): void {
    for (const ofTopic of this.#byTopicId.values()) {
      for (const writer of ofTopic.values()) writer.close();
    }
    this.#byTopicId.clear();
  }

  #make(ref: PartitionRef): PartitionWriter {
    const { store, replicationTimeoutMs, log, trouble } = this.options;
    return store.writer(ref, {
      leaderEpoch: noLeadership,
      replicationTimeoutMs,
      log,
      trouble,
      onReply: nobodyAsks,
      // Producers have made batches of what they were given.
      isGathered: true,
    });
  }
}
