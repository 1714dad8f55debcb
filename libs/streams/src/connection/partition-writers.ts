import type { Logger, TroubleLog } from '@sluice/base';
import type {
  Confirmation,
  PartitionConfirmer,
  PartitionRef,
  PartitionStore,
  PartitionWriter,
} from '@sluice/log';

/** What the writers of a process have in common. */
export interface PartitionWritersOptions {
  store: Pick<PartitionStore, 'writer' | 'confirmer'>;
  /** What a topic asks for before readers get a record; undefined: there is no such topic. */
  confirmationOf: (topicId: string) => Confirmation | null | undefined;
  replicationTimeoutMs: number;
  log: Logger;
  /** Told of calls that fail. */
  trouble: Pick<TroubleLog, 'note'>;
}

/** Whoever appends hears of it from its own `done`. */
const nobodyAsks = (): void => undefined;

/** One line of appends, and what sees to it that readers get what is appended. */
interface Line {
  writer: PartitionWriter;
  confirmer: PartitionConfirmer;
}

/** The one line of appends of this process to each partition, whoever of it appends. */
export class PartitionWriters {
  readonly #byTopicId = new Map<string, Map<number, Line>>();

  constructor(private readonly options: PartitionWritersOptions) {}

  of(ref: PartitionRef): PartitionWriter {
    const { topicId, partition } = ref;
    let ofTopic = this.#byTopicId.get(topicId);
    if (ofTopic === undefined) this.#byTopicId.set(topicId, (ofTopic = new Map()));
    let line = ofTopic.get(partition);
    if (line === undefined) ofTopic.set(partition, (line = this.#make(ref)));
    return line.writer;
  }

  /** The topic is gone; what is still appended to it is refused by the log. */
  forget(topicId: string): void {
    for (const { confirmer } of this.#byTopicId.get(topicId)?.values() ?? []) confirmer.close();
    this.#byTopicId.delete(topicId);
  }

  /** What was not sent yet is refused, and all that comes. */
  close(): void {
    for (const ofTopic of this.#byTopicId.values()) {
      for (const { writer, confirmer } of ofTopic.values()) {
        writer.close();
        confirmer.close();
      }
    }
    this.#byTopicId.clear();
  }

  #make(ref: PartitionRef): Line {
    const { store, replicationTimeoutMs, log, trouble, confirmationOf } = this.options;
    const confirmer = store.confirmer(ref, {
      replicationTimeoutMs,
      trouble,
      asked: () => confirmationOf(ref.topicId),
      // Who only writes sees no tails of others.
      highWatermark: () => Infinity,
      onConfirmed: nobodyAsks,
    });
    // Without a leadership: whoever leads the partition hears of it.
    const writer = store.writer(ref, {
      replicationTimeoutMs,
      log,
      trouble,
      onReply: nobodyAsks,
      confirmer,
      // Producers have made batches of what they were given.
      isGathered: true,
    });
    return { writer, confirmer };
  }
}
