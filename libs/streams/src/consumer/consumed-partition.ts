import type { PartitionSize } from '@sluice/log';
import type { OwnedPartition } from '../api';
import { NotOwned } from './consumer-errors';
import { Intake, type EntryRow } from './intake';
import { Moves, type Move } from './moves';
import { OneStep } from './one-step';
import { PartitionNotes } from './partition-notes';
import type { PartitionParts } from './partition-parts';
import type { PartitionPhase } from './partition-phase';
import { ReadableEnd } from './readable-end';
import { RecordFlow, type DealtWith } from './record-flow';
import type { DamagedBatch } from './record-line';
import type { SkippedRecords } from './skipped-records';
import { within } from './within';

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
  private phase: PartitionPhase = 'claiming';
  /** Of claiming, taking over, moving. */
  private readonly steps: OneStep;
  private readonly moves = new Moves();
  private isPaused: boolean;
  /** Entries came that could not be taken; they are pending, and are taken over. */
  private hasMissed = false;
  private hasClaim = false;
  private readonly intake: Intake;
  private readonly notes: PartitionNotes;
  private readonly readable: ReadableEnd;
  private flow: RecordFlow;
  private logEnd = 0;
  private lastLook = { position: -1, logEnd: 0 };
  private committed = -1;

  constructor(readonly parts: PartitionParts) {
    const { grant, group, memberId, committed, isPaused } = parts;
    ({ topic: this.topic, topicId: this.topicId, partition: this.partition } = grant);
    this.group = group;
    this.memberId = memberId;
    this.isPaused = isPaused;
    this.steps = new OneStep(parts.clock, {
      onFree: () => this.stepped(),
      onFailure: (error) => this.notes.stepFailed(error),
    });
    this.notes = new PartitionNotes(parts);
    this.readable = new ReadableEnd(grant, parts.readable, {
      moved: () => this.flow.handOver(),
      setBack: () => this.readAgain(),
    });
    this.intake = new Intake(committed.offset);
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

  /** A progress that Redis has and that is not what is committed; null for none. */
  get toCommit(): number | null {
    const { progress } = this.flow.acknowledger;
    return this.isClaimed && progress !== this.committed ? progress : null;
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
    return this.notes.problem;
  }

  get heldBytes(): number {
    return this.flow.line.entries.heldBytes;
  }

  /** What an entry of it most likely takes, bytes. */
  get likelyEntryBytes(): number {
    return this.intake.entryBytes;
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
    const end = Math.max(this.logEnd, this.intake.position);
    return Math.max(0, end - this.flow.line.inFlight.progress);
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
    const { bytes, strays, hasGap } = this.intake.received(rows, this.flow);
    if (hasGap) this.phase = 'taking';
    this.parts.onHeld(bytes);
    if (strays.length > 0) this.flow.acknowledger.addStrays(strays);
    this.flow.handOver();
    this.go();
  }

  /** How far the log reaches, as it is looked at now and then; null: there is no such partition. */
  looked(bounds: PartitionSize | null): void {
    if (this.isEnded || !this.isClaimed) return;
    if (bounds === null) return this.parts.onLost(this, 'deleted');
    this.readable.looked(bounds);
    this.flow.handOver();
    const { position, logEnd } = this.lastLook;
    this.logEnd = bounds.logEndOffset;
    this.lastLook = { position: this.intake.position, logEnd: bounds.logEndOffset };
    // What was there at the last look has not come since: another has taken it, or it is gone.
    if (!this.isReadable || position !== this.intake.position || logEnd <= position) return;
    if (!this.flow.line.isWaiting) this.skipTrimmed(bounds.logStartOffset, { isLast: true });
    this.phase = 'taking';
    this.go();
  }

  /** Redis may have lost what it knew of this partition: it is claimed again. */
  claimAgain(): void {
    if (this.isEnded) return;
    this.readable.invalidate();
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
    const isMoving = this.moves.next !== null;
    this.moves.endAll(new NotOwned(this.topic, this.partition));
    this.parts.onHeld(-this.flow.line.dropWaiting());
    const isDrained = await this.flow.idle(drainMs);
    if (!isDrained) this.gone.abort();
    this.flow.giveBack();
    const { clock, limits } = this.parts;
    const lastWords = [
      this.flow.acknowledger.whenSettled(),
      isMoving ? this.steps.whenFree() : null,
    ];
    if (!this.isEnded) await within(clock, limits.lastWordMs, Promise.all(lastWords));
    return isDrained;
  }

  /** The committed offset is this now; -1: it is not known. */
  wasCommitted(offset: number): void {
    this.committed = offset;
  }

  /**
   * Goes on at another offset, once what is in flight has ended; meanwhile nothing more is handed
   * over. Where it fails all goes on as if it had not been asked for.
   *
   * @throws NotOwned when the partition is let go before
   * @throws as `PartitionDelivery.seek`
   */
  seek(move: Move): Promise<void> {
    if (this.stopping.aborted) return Promise.reject(new NotOwned(this.topic, this.partition));
    const made = this.moves.add(move);
    this.go();
    return made;
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
    this.moves.endAll(new NotOwned(this.topic, this.partition));
    if (this.flow.line.inFlight.outCount > 0) this.gone.abort();
    this.readable.end();
    this.parts.onHeld(-this.flow.end());
  }

  /** It is another's now: what still runs is to be given up. */
  lose(): void {
    this.gone.abort();
    this.end();
  }

  /** Neither paused, nor about to go on elsewhere. */
  private get goesOn(): boolean {
    if (this.isPaused || this.stopping.aborted || this.moves.next !== null) return false;
    return !this.flow.line.inFlight.hasReleased;
  }

  private get hasRoom(): boolean {
    if (!this.goesOn) return false;
    const { inFlightRecordsMax, partitionBytesMax } = this.parts.limits;
    const { size, heldBytes } = this.flow.line.entries;
    return size <= inFlightRecordsMax / 2 && heldBytes <= partitionBytesMax / 2;
  }

  private get mayHandOver(): boolean {
    if (!this.goesOn) return false;
    return (this.phase === 'reading' || this.phase === 'taking') && this.parts.isHeld();
  }

  /** Takes the next step that is due, if none is out. */
  private go(): void {
    if (!this.steps.mayBegin || this.stopping.aborted) return;
    const { next: move } = this.moves;
    const { outCount, hasReleased } = this.flow.line.inFlight;
    if (this.phase === 'claiming') this.steps.begin(() => this.claim());
    else if (move !== null && outCount > 0) return;
    else if (move !== null) this.steps.begin(() => this.move(move));
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
    this.intake.entryBytes = Math.max(1, claimed.entryBytes);
    this.skipTrimmed(claimed.logStartOffset, { isLast: true });
    if (this.toCommit !== null) this.parts.onProgress(this);
  }

  private async take(): Promise<void> {
    const { delivery, limits, onHeld } = this.parts;
    this.hasMissed = false;
    const likely = Math.floor(limits.readBytesMax / this.intake.entryBytes);
    const entriesMax = Math.max(1, Math.min(limits.takeEntriesMax, likely));
    const { progress } = this.flow.line.inFlight;
    const { position: fromOffset } = this.intake;
    const taken = await delivery.take({ progress, fromOffset, entriesMax });
    if (this.stopping.aborted || this.intake.position !== fromOffset) return;
    if (typeof taken === 'string') return this.refused(taken);
    const beforeEach = (offset: number): void => this.skipTrimmed(offset, { isLast: false });
    onHeld(this.intake.tookOver(taken, this.flow, beforeEach));
    if (taken.length > 0 || this.hasMissed) return;
    await delivery.tidy({ withOwn: false });
    if (this.phase === 'taking' && !this.hasMissed) this.phase = 'reading';
  }

  /** Goes back to the first record that was given back; what was dealt with behind it stays so. */
  private async rewind(): Promise<void> {
    const isSettled = await this.flow.acknowledger.whenSettled();
    if (!isSettled || this.stopping.aborted) return;
    const { inFlight } = this.flow.line;
    const { progress: acknowledged } = this.flow.acknowledger;
    this.startAt(inFlight.progress, { done: inFlight.doneOffsets(), acknowledged });
  }

  /** Goes on at another offset; where the claim is gone, that is made first. */
  private async move({ offset, whenUnread }: Move): Promise<void> {
    await whenUnread();
    const isSettled = await this.flow.acknowledger.whenSettled();
    if (!isSettled || this.stopping.aborted) return;
    try {
      const moved = await this.parts.delivery.seek(offset);
      if (this.isEnded) return;
      if (typeof moved !== 'number') return this.refused(moved);
      this.startAt(moved);
      this.committed = -1;
      this.moves.ended(null);
      this.parts.onProgress(this);
    } catch (error) {
      // It may have been done all the same: Redis is told, and asked for what it has passed over.
      this.flow.acknowledger.repeat();
      if (this.phase === 'reading') this.phase = 'taking';
      this.moves.ended(error as Error);
    }
  }

  private refused(refusal: 'fenced' | 'unclaimed'): void {
    if (refusal === 'fenced') this.parts.onLost(this, 'fenced');
    else this.claimAgain();
  }

  /** What lies between the position and this offset is not in the log any more. */
  private skipTrimmed(offset: number, { isLast }: { isLast: boolean }): void {
    const { position } = this.intake;
    if (offset <= position) return;
    this.notes.trimmed(position, offset - position);
    this.intake.position = offset;
    if (isLast) this.flow.pass(position, offset);
  }

  private startAt(offset: number, dealtWith: DealtWith = {}): void {
    this.parts.onHeld(-this.flow.end());
    this.intake.position = offset;
    this.flow = this.newFlow(offset, dealtWith);
    if (this.phase !== 'claiming') this.phase = 'taking';
    this.notes.problem = null;
  }

  private newFlow(offset: number, dealtWith?: DealtWith): RecordFlow {
    const owner = {
      owned: this,
      mayHandOver: () => this.mayHandOver,
      endOffset: () => this.readable.follow(),
      onAcknowledged: (bytes: number) => {
        if (bytes > 0) this.parts.onHeld(-bytes);
        this.parts.onProgress(this);
        this.go();
      },
      onRefused: (refusal: 'fenced' | 'unclaimed') => this.refused(refusal),
      onDamaged: (error: DamagedBatch) => this.damaged(error),
      onSkipped: (error: SkippedRecords) => this.skipped(error),
    };
    return new RecordFlow(this.parts, owner, offset, dealtWith);
  }

  private damaged(error: DamagedBatch): void {
    this.phase = 'damaged';
    this.notes.damaged(error);
  }

  /** What was read is forgotten, and read once more from the first that was not handed over. */
  private skipped(error: SkippedRecords): void {
    this.readAgain();
    this.notes.skipped(error);
  }

  private readAgain(): void {
    this.parts.onHeld(-this.flow.line.dropWaiting());
    this.intake.position = this.flow.line.inFlight.nextOffset;
    if (this.phase === 'reading') this.phase = 'taking';
    this.go();
  }
}
