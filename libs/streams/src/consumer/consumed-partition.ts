import type { OwnedPartition } from '../api';
import { NotOwned } from './consumer-errors';
import { heldEntry } from './entry-queue';
import { OneStep } from './one-step';
import type { PartitionParts } from './partition-parts';
import { RecordFlow } from './record-flow';
import type { DamagedBatch } from './record-line';
import { within } from './within';

/**
 * - `claiming`: the delivery state is being taken;
 * - `taking`: what was delivered before is taken over, in order;
 * - `reading`: new entries come;
 * - `damaged`: a batch cannot be read, so nothing more is handed over;
 * - `ended`: let go, or lost.
 */
type Phase = 'claiming' | 'taking' | 'reading' | 'damaged' | 'ended';

/** An entry as a read brings it. */
export type EntryRow = [id: Buffer, fields: Buffer[]];

/** What a log line says of it beside its name. */
interface TroubleFacts {
  offset?: number;
  count?: number;
  error?: Error;
}

/**
 * One partition from its grant to its end: claims it, hands over its records, acknowledges them.
 */
export class ConsumedPartition implements OwnedPartition {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly group: string;
  readonly memberId: string;
  private readonly stopped = new AbortController();
  private readonly gone = new AbortController();
  readonly stopping: AbortSignal = this.stopped.signal;
  readonly lost: AbortSignal = this.gone.signal;
  private phase: Phase = 'claiming';
  /** Of claiming, taking over, moving. */
  private readonly steps: OneStep;
  private isPaused: boolean;
  /** Entries came that could not be taken; they are pending, and are taken over. */
  private hasMissed = false;
  private hasClaim = false;
  /** The first offset that was not read. */
  private position: number;
  private flow: RecordFlow;
  private logEnd = 0;
  private lastLook = { position: -1, logEnd: 0 };
  private trouble: string | null = null;
  private entryBytes = 1_024;
  private committed = -1;

  constructor(readonly parts: PartitionParts) {
    const { grant, group, memberId, committed, isPaused } = parts;
    ({ topic: this.topic, topicId: this.topicId, partition: this.partition } = grant);
    this.group = group;
    this.memberId = memberId;
    this.isPaused = isPaused;
    this.steps = new OneStep(parts.clock, {
      onFree: () => this.stepped(),
      onFailure: (error) =>
        this.tell('warn', 'could not be taken up; it is tried again', { error }),
    });
    this.position = committed.offset;
    this.flow = this.newFlow(committed.offset);
  }

  /** Begins to claim it. */
  start(): void {
    this.go();
  }

  /** The key of its stream. */
  get key(): string {
    return this.parts.delivery.keys.log;
  }

  /** A progress that Redis has and that is not committed; null for none. */
  get toCommit(): number | null {
    const { progress } = this.flow.acknowledger;
    return this.isClaimed && progress > this.committed ? progress : null;
  }

  get isEnded(): boolean {
    return this.phase === 'ended';
  }

  /** Redis has noted that it is this member's. */
  get isClaimed(): boolean {
    return this.hasClaim;
  }

  /** Why it is not read any further; null where it is. */
  get problem(): string | null {
    return this.trouble;
  }

  get heldBytes(): number {
    return this.flow.line.entries.heldBytes;
  }

  /** What an entry of it most likely takes, bytes. */
  get likelyEntryBytes(): number {
    return this.entryBytes;
  }

  /** Whether new entries may be read now. */
  get isReadable(): boolean {
    return this.phase === 'reading' && !this.steps.isOut && this.hasRoom;
  }

  health(): { lag: number; paused: boolean; inFlight: number; oldestInFlightMs: number } {
    const { outCount: inFlight, progress } = this.flow.line.inFlight;
    const oldest = inFlight > 0 ? this.flow.times.oldestMs(progress) : null;
    const oldestInFlightMs = oldest === null ? 0 : this.parts.clock.monotonicMs() - oldest;
    return { lag: this.lag(), paused: this.isPaused, inFlight, oldestInFlightMs };
  }

  lag(): number {
    return Math.max(0, Math.max(this.logEnd, this.position) - this.flow.line.inFlight.progress);
  }

  acknowledge(offset: number): void {
    if (!this.isEnded && this.flow.acknowledge(offset)) this.go();
  }

  release(offset: number): void {
    if (!this.isEnded && this.flow.release(offset)) this.go();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.flow.handOver();
    this.go();
  }

  /** Entries that came with a read. */
  received(rows: readonly EntryRow[]): void {
    if (this.phase !== 'reading' || this.steps.isOut || this.stopping.aborted) {
      this.hasMissed = true;
      return;
    }
    let bytes = 0;
    let strays: string[] | null = null;
    for (const [id, fields] of rows) {
      const entry = heldEntry(id.toString('latin1'), fields[1]!, false);
      if (entry.lastOffset < this.position) {
        // Delivered once more: what is in flight is acknowledged in its turn.
        if (entry.lastOffset < this.flow.acknowledger.progress) (strays ??= []).push(entry.id);
        continue;
      }
      if (entry.baseOffset > this.position) {
        // Somebody else has taken what lies in between, or it was trimmed away.
        this.phase = 'taking';
        break;
      }
      this.flow.line.add(entry);
      bytes += entry.bytes.length;
      this.position = entry.lastOffset + 1;
    }
    this.entryBytes = Math.max(bytes / rows.length, this.entryBytes * 0.75);
    this.parts.onHeld(bytes);
    if (strays !== null) this.flow.acknowledger.addStrays(strays);
    this.flow.handOver();
    this.go();
  }

  /** How far the log reaches, as it is looked at now and then; null: there is no such partition. */
  looked(bounds: { logStartOffset: number; logEndOffset: number } | null): void {
    if (this.isEnded || !this.isClaimed) return;
    if (bounds === null) return this.parts.onLost(this, 'deleted');
    const { position, logEnd } = this.lastLook;
    this.logEnd = bounds.logEndOffset;
    this.lastLook = { position: this.position, logEnd: bounds.logEndOffset };
    // What was there at the last look has not come since: another has taken it, or it is gone.
    if (!this.isReadable || position !== this.position || logEnd <= position) return;
    if (!this.flow.line.isWaiting) this.skipTrimmed(bounds.logStartOffset, { isLast: true });
    this.phase = 'taking';
    this.go();
  }

  /** Redis may have lost what it knew of this partition: it is claimed again. */
  claimAgain(): void {
    if (this.isEnded) return;
    this.phase = 'claiming';
    this.go();
  }

  /**
   * Hands over nothing more, waits for what is in flight, and for Redis to know of it.
   *
   * @returns false where the time was over before
   */
  async drain(drainMs: number): Promise<boolean> {
    this.stopped.abort();
    this.parts.onHeld(-this.flow.line.dropWaiting());
    const isDrained = await this.flow.idle(drainMs);
    if (!isDrained) this.gone.abort();
    const { clock, limits } = this.parts;
    if (!this.isEnded) await within(clock, limits.lastWordMs, this.flow.acknowledger.whenSettled());
    return isDrained;
  }

  /** The committed offset is this now. */
  wasCommitted(offset: number): void {
    this.committed = offset;
  }

  /**
   * Goes on at another offset, once what is in flight has ended. Nothing of it may be read
   * meanwhile: the caller waits for `isReadable` to have its effect by `beforeSeek`.
   *
   * @throws NotOwned where it is not this member's any more; as `PartitionDelivery.seek`
   */
  seek(offset: number, beforeSeek: () => Promise<void>): Promise<void> {
    return this.steps.run(async () => {
      this.parts.onHeld(-this.flow.line.dropWaiting());
      await beforeSeek();
      await this.flow.idle(Infinity);
      await this.flow.acknowledger.whenSettled();
      const { topic, partition } = this;
      if (this.isEnded || this.stopping.aborted) throw new NotOwned(topic, partition);
      const moved = await this.parts.delivery.seek(offset);
      if (typeof moved !== 'number') {
        this.refused(moved);
        throw new NotOwned(topic, partition);
      }
      this.startAt(moved);
      this.committed = -1;
      this.phase = 'taking';
      this.parts.onProgress(this);
    });
  }

  /** Removes the stream's consumer of this member, and others that are of no use. */
  async leave(): Promise<void> {
    if (!this.isEnded && this.isClaimed) {
      await this.parts.delivery.tidy({ withOwn: true }).catch(() => {});
    }
  }

  /** Nothing is handed over, acknowledged or claimed any more. */
  end(): void {
    if (this.isEnded) return;
    this.phase = 'ended';
    this.steps.end();
    this.stopped.abort();
    if (this.flow.line.inFlight.outCount > 0) this.gone.abort();
    this.parts.onHeld(-this.flow.end());
  }

  /** It is another's now: what still runs is to be given up. */
  lose(): void {
    this.gone.abort();
    this.end();
  }

  private get hasRoom(): boolean {
    if (this.isPaused || this.stopping.aborted || this.flow.line.inFlight.hasReleased) return false;
    const { inFlightRecordsMax, partitionBytesMax } = this.parts.limits;
    const { size, heldBytes } = this.flow.line.entries;
    return size <= inFlightRecordsMax / 2 && heldBytes <= partitionBytesMax / 2;
  }

  private get mayHandOver(): boolean {
    if (this.isPaused || this.stopping.aborted || this.flow.line.inFlight.hasReleased) return false;
    return (this.phase === 'reading' || this.phase === 'taking') && this.parts.isHeld();
  }

  /** Takes the next step that is due, if none is out. */
  private go(): void {
    if (!this.steps.mayBegin || this.stopping.aborted) return;
    const { outCount, hasReleased } = this.flow.line.inFlight;
    if (this.phase === 'claiming') this.steps.begin(() => this.claim());
    else if (hasReleased && outCount === 0) this.steps.begin(() => this.rewind());
    else if (this.phase === 'taking' && this.hasRoom) this.steps.begin(() => this.take());
    else if (this.isReadable) this.parts.onReadable();
  }

  private stepped(): void {
    this.parts.onState();
    this.flow.handOver();
    this.go();
  }

  private async claim(): Promise<void> {
    const { delivery, committed } = this.parts;
    const claimed = await delivery.claim(committed);
    if (this.isEnded) return;
    if (claimed === 'fenced') return this.parts.onLost(this, 'fenced');
    if (claimed === 'unknown-partition') return this.parts.onLost(this, 'deleted');
    this.phase = 'taking';
    this.logEnd = claimed.logEndOffset;
    if (this.hasClaim) return this.flow.acknowledger.repeat();
    this.hasClaim = true;
    this.startAt(claimed.progress);
    this.committed = committed.offset;
    this.entryBytes = Math.max(1, claimed.entryBytes);
    this.skipTrimmed(claimed.logStartOffset, { isLast: true });
    if (this.toCommit !== null) this.parts.onProgress(this);
  }

  private async take(): Promise<void> {
    const { delivery, limits, onHeld } = this.parts;
    this.hasMissed = false;
    const likely = Math.floor(limits.readBytesMax / this.entryBytes);
    const entriesMax = Math.max(1, Math.min(limits.takeEntriesMax, likely));
    const { progress } = this.flow.line.inFlight;
    const taken = await delivery.take({ progress, fromOffset: this.position, entriesMax });
    if (this.isEnded || this.stopping.aborted) return;
    if (typeof taken === 'string') return this.refused(taken);
    let bytes = 0;
    for (const { id, bytes: batch } of taken) {
      const entry = heldEntry(id, batch, true);
      this.skipTrimmed(entry.baseOffset, { isLast: false });
      this.flow.line.add(entry);
      bytes += batch.length;
      this.position = entry.lastOffset + 1;
    }
    onHeld(bytes);
    if (taken.length > 0 || this.hasMissed) return;
    await delivery.tidy({ withOwn: false });
    if (this.phase === 'taking' && !this.hasMissed) this.phase = 'reading';
  }

  /** Goes back to the first record that was given back; what was dealt with behind it stays so. */
  private async rewind(): Promise<void> {
    this.parts.onHeld(-this.flow.line.dropWaiting());
    await this.flow.acknowledger.whenSettled();
    if (this.isEnded || this.stopping.aborted) return;
    const { inFlight } = this.flow.line;
    this.startAt(inFlight.progress, inFlight.doneOffsets());
    this.phase = 'taking';
  }

  private refused(refusal: 'fenced' | 'unclaimed'): void {
    if (refusal === 'fenced') this.parts.onLost(this, 'fenced');
    else this.claimAgain();
  }

  /** What lies between the position and this offset is not in the log any more. */
  private skipTrimmed(offset: number, { isLast }: { isLast: boolean }): void {
    const count = offset - this.position;
    if (count <= 0) return;
    const fields = { offset: this.position, count };
    this.tell('warn', 'had records that were trimmed away before the group had read them', fields);
    this.position = offset;
    if (isLast) this.flow.passTo(offset);
  }

  private startAt(offset: number, done?: Set<number>): void {
    this.parts.onHeld(-this.flow.end());
    this.position = offset;
    this.flow = this.newFlow(offset, done);
  }

  private newFlow(offset: number, done?: Set<number>): RecordFlow {
    const owner = {
      owned: this,
      mayHandOver: () => this.mayHandOver,
      onAcknowledged: (bytes: number) => {
        if (bytes > 0) this.parts.onHeld(-bytes);
        this.parts.onProgress(this);
        this.go();
      },
      onRefused: (refusal: 'fenced' | 'unclaimed') => this.refused(refusal),
      onDamaged: (error: DamagedBatch) => this.damaged(error),
    };
    return new RecordFlow(this.parts, owner, offset, done);
  }

  private damaged(error: DamagedBatch): void {
    const { offset } = error;
    this.phase = 'damaged';
    this.trouble = `${this.topic}/${this.partition} stands at a damaged batch at offset ${offset}`;
    this.tell('error', 'has a damaged batch, and is not read any further', { offset, error });
  }

  /** "The partition …", in the log. */
  private tell(level: 'warn' | 'error', what: string, more: TroubleFacts): void {
    const { topic, partition, group } = this;
    const error = more.error && { error: more.error.message };
    this.parts.log[level](`a partition ${what}`, { topic, partition, group, ...more, ...error });
  }
}
