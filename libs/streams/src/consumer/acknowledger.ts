import type { Clock, Timer } from '@sluice/base';
import type { DeliveryRefusal, PartitionDelivery } from '@sluice/log';
import { reconnectDelayMs } from '@sluice/redis';
import type { ConsumerLimits } from './consumer-limits';
import type { EntryQueue } from './entry-queue';

/** What acknowledging needs, and who is told. */
export interface AcknowledgerParts {
  delivery: Pick<PartitionDelivery, 'acknowledge'>;
  clock: Pick<Clock, 'setTimer'>;
  limits: Pick<
    ConsumerLimits,
    'acknowledgedEntriesMax' | 'acknowledgeAfterMs' | 'acknowledgeFewAfterMs' | 'fewEntries'
  >;
  /** Entries of so many bytes are acknowledged. */
  onAcknowledged: (bytes: number) => void;
  onRefused: (refusal: DeliveryRefusal) => void;
}

/**
 * Brings the progress of one partition to Redis, with one call out at a time: what is acknowledged
 * meanwhile goes with the next. A call whose outcome is unknown is sent again, which is harmless.
 */
export class Acknowledger {
  private wanted: number;
  private confirmed: number;
  private strays: string[] = [];
  /** The next call waits for what may go with it. */
  private delay: Timer | null = null;
  /** It waits for longer, because few entries were held when that began. */
  private isForFew = false;
  private isOut = false;
  /** It is not known what Redis has, so it is to be told once more. */
  private isUnsure = false;
  private failures = 0;
  /** How often Redis has refused it, one after the other. */
  private refusals = 0;
  private retry: Timer | null = null;
  private isEnded = false;
  private waiters: { progress: number; resolve: (isConfirmed: boolean) => void }[] = [];

  constructor(
    private readonly parts: AcknowledgerParts,
    private readonly queue: EntryQueue,
    progress: number,
  ) {
    this.wanted = this.confirmed = progress;
  }

  /** The progress that is in Redis. */
  get progress(): number {
    return this.confirmed;
  }

  /** Nothing is sent any more. */
  get hasEnded(): boolean {
    return this.isEnded;
  }

  /** All below this offset is dealt with. */
  want(progress: number): void {
    if (progress > this.wanted) this.wanted = progress;
    if (this.isDue) this.schedule();
  }

  /** What lies from this offset on is not dealt with after all. */
  lower(progress: number): void {
    if (progress >= this.wanted) return;
    this.wanted = progress;
    this.repeat();
  }

  /** Entries that were delivered although they lie below the progress. */
  addStrays(ids: readonly string[]): void {
    this.strays.push(...ids);
    this.schedule();
  }

  /** Redis may have forgotten what it was told. */
  repeat(): void {
    this.isUnsure = true;
    this.schedule();
  }

  /** Resolves when Redis has this progress: true; or has refused it, or this has ended: false. */
  whenConfirmed(progress: number): Promise<boolean> {
    if (this.isEnded) return Promise.resolve(false);
    if (this.confirmed >= progress && this.isSettled) return Promise.resolve(true);
    return new Promise((resolve) => {
      this.waiters.push({ progress, resolve });
      this.sendNow();
    });
  }

  /** Resolves when Redis has all that was acknowledged: true; or as `whenConfirmed`: false. */
  whenSettled(): Promise<boolean> {
    return this.whenConfirmed(this.wanted);
  }

  /** Sends nothing any more. */
  end(): void {
    this.isEnded = true;
    this.retry?.cancel();
    this.delay?.cancel();
    this.giveUp();
  }

  private get isSettled(): boolean {
    return !this.isOut && !this.isDue;
  }

  private get isDue(): boolean {
    if (this.isUnsure || this.strays.length > 0 || this.wanted > this.confirmed) return true;
    return this.queue.idsBelow(this.wanted, 1).length > 0;
  }

  private schedule(): void {
    if (this.waiters.length > 0) return this.sendNow();
    const { clock, limits } = this.parts;
    const { acknowledgeAfterMs, acknowledgeFewAfterMs, fewEntries } = limits;
    const areFew = this.queue.size <= fewEntries;
    if (this.delay !== null && this.isForFew && !areFew) return this.sendNow();
    if (this.delay !== null || this.isOut || this.isEnded || this.retry !== null) return;
    // A call for each record would take from Redis, and from the next record, more than it gives.
    this.isForFew = areFew;
    const afterMs = areFew ? acknowledgeFewAfterMs : acknowledgeAfterMs;
    this.delay = clock.setTimer(afterMs, () => this.sendNow());
  }

  private sendNow(): void {
    this.delay?.cancel();
    this.delay = null;
    this.send();
  }

  private send(): void {
    if (this.isEnded || this.isOut || this.retry !== null || !this.isDue) return;
    const { wanted, parts } = this;
    const { acknowledgedEntriesMax } = parts.limits;
    const own = this.queue.idsBelow(wanted, acknowledgedEntriesMax);
    const strays = this.strays.slice(0, acknowledgedEntriesMax - own.length);
    this.isOut = true;
    this.isUnsure = false;
    parts.delivery.acknowledge(wanted, [...own, ...strays]).then(
      (tag) => this.answered(tag, { progress: wanted, own: own.length, strays: strays.length }),
      () => this.again(),
    );
  }

  private answered(
    tag: DeliveryRefusal | 'acknowledged',
    sent: { progress: number; own: number; strays: number },
  ): void {
    this.isOut = false;
    if (this.isEnded) return;
    this.failures = 0;
    if (tag !== 'acknowledged') return this.refused(tag);
    this.refusals = 0;
    this.strays.splice(0, sent.strays);
    this.confirmed = sent.progress;
    this.parts.onAcknowledged(this.queue.drop(sent.own));
    if (this.isDue) this.schedule();
    this.settle();
  }

  private refused(refusal: DeliveryRefusal): void {
    this.isUnsure = true;
    // A first refusal is followed by a claim. Where that has not helped there is a pause, or
    // whoever waits for the confirmation would ask for it again and again.
    if (++this.refusals > 1) this.sendAfter(reconnectDelayMs(this.refusals - 1));
    this.giveUp();
    this.parts.onRefused(refusal);
  }

  /** Of Redis being away the connections tell the log. */
  private again(): void {
    this.isOut = false;
    this.isUnsure = true;
    if (this.isEnded) return;
    this.sendAfter(reconnectDelayMs(++this.failures));
  }

  private sendAfter(delayMs: number): void {
    this.retry = this.parts.clock.setTimer(delayMs, () => {
      this.retry = null;
      this.send();
    });
  }

  private settle(): void {
    if (this.waiters.length === 0) return;
    const isMet = ({ progress }: { progress: number }): boolean =>
      this.confirmed >= progress && this.isSettled;
    const met = this.waiters.filter(isMet);
    this.waiters = this.waiters.filter((waiter) => !met.includes(waiter));
    for (const { resolve } of met) resolve(true);
  }

  private giveUp(): void {
    for (const { resolve } of this.waiters.splice(0)) resolve(false);
  }
}
