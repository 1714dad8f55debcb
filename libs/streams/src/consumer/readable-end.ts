import type { Clock, TroubleLog } from '@sluice/base';
import type {
  Confirmation,
  PartitionConfirmer,
  PartitionRef,
  PartitionSize,
  PartitionStore,
  PartitionWatch,
} from '@sluice/log';

/** What finds out how far partitions may be read. */
export interface ReadableEndDeps {
  store: Pick<PartitionStore, 'watch' | 'confirmer'>;
  clock: Clock;
  /** What a topic asks for before readers get a record; undefined: there is no such topic. */
  confirmationOf: (topicId: string) => Confirmation | null | undefined;
  replicationTimeoutMs: number;
  /** Told of what keeps records from being confirmed. */
  trouble: Pick<TroubleLog, 'note'>;
}

/** Who is told. */
export interface ReadableEndListener {
  /** More may be handed over. */
  moved: () => void;
  /** What was read and not handed over may not be in the log any more. */
  setBack: () => void;
}

/**
 * Up to where records of a partition may be handed over. XREADGROUP brings whatever is in the
 * stream; where the topic asks for copies, what a failover could take away waits here until it is
 * confirmed. Of a topic that asks for nothing nothing is watched.
 */
export class ReadableEnd {
  private watching: { watch: PartitionWatch; confirmer: PartitionConfirmer } | null = null;
  private isAsking = false;
  private isEnded = false;

  constructor(
    private readonly ref: PartitionRef,
    private readonly deps: ReadableEndDeps,
    private readonly listener: ReadableEndListener,
  ) {}

  /**
   * The first offset that is not to be handed over; where the topic asks for nothing, none is.
   * Begins to watch where the topic asks for copies by now, and ends that where it does not.
   */
  follow(): number {
    if (this.isEnded) return 0;
    if (!this.deps.confirmationOf(this.ref.topicId)) {
      this.stop();
      return Infinity;
    }
    const { watch } = (this.watching ??= this.begin());
    if (watch.highWatermark < 0) this.ask(watch);
    return watch.highWatermark;
  }

  /** Redis was asked: messages get lost. */
  looked({ highWatermark, logEndOffset }: PartitionSize): void {
    if (this.watching === null) return;
    const { watch, confirmer } = this.watching;
    watch.confirmed(highWatermark);
    if (watch.highWatermark < logEndOffset) confirmer.noticed({ logEndOffset });
  }

  /** Redis may have lost what it knew. */
  invalidate(): void {
    if (this.watching === null) return;
    this.listener.setBack();
    this.watching.watch.invalidate();
  }

  end(): void {
    this.isEnded = true;
    this.stop();
  }

  private begin(): { watch: PartitionWatch; confirmer: PartitionConfirmer } {
    const { ref } = this;
    const { store, clock, confirmationOf, replicationTimeoutMs, trouble } = this.deps;
    const confirmer = store.confirmer(ref, {
      replicationTimeoutMs,
      trouble,
      asked: () => confirmationOf(ref.topicId),
      highWatermark: () => watch.highWatermark,
      onConfirmed: (upTo) => watch.confirmed(upTo),
    });
    const watch = store.watch(ref, {
      clock,
      isAppending: () => false,
      onSetBack: () => this.listener.setBack(),
      onTrimmed: () => {},
      onUnconfirmed: (bounds) => confirmer.noticed(bounds),
    });
    watch.onChange(() => this.listener.moved());
    return { watch, confirmer };
  }

  private stop(): void {
    const { watching } = this;
    this.watching = null;
    watching?.confirmer.close();
    watching?.watch.close();
  }

  private ask(watch: PartitionWatch): void {
    if (this.isAsking) return;
    this.isAsking = true;
    const done = (): void => {
      this.isAsking = false;
    };
    // Where Redis cannot be asked, the next look comes back to it.
    watch
      .refresh()
      .finally(done)
      .catch(() => {});
  }
}
