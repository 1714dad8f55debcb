import type { Clock, Timer } from '@sluice/base';
import type { TimerChange } from '../machine/events';
import type { TimerId } from '../machine/group';

export interface GroupTimersDeps {
  clock: Clock;
  /** A session timer that runs later than this was held up together with the heartbeats. */
  latenessMsMax: number;
  /**
   * Called when a timer is due. It calls `take` when the timer's turn comes: false means that
   * something before it has set the timer anew or cancelled it.
   */
  onDue: (timer: TimerId, take: () => boolean) => void;
}

/** The timers of one group. */
export class GroupTimers {
  readonly #timers = new Map<TimerId, Timer>();

  constructor(private readonly deps: GroupTimersDeps) {}

  change(changes: readonly TimerChange[]): void {
    for (const { timer, delayMs } of changes) {
      this.#timers.get(timer)?.cancel();
      if (delayMs === null) this.#timers.delete(timer);
      else this.#set(timer, delayMs);
    }
  }

  clear(): void {
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
  }

  #set(id: TimerId, delayMs: number): void {
    const { clock, latenessMsMax, onDue } = this.deps;
    const dueMs = clock.monotonicMs() + delayMs;
    const timer = clock.setTimer(delayMs, () => {
      const isLate = clock.monotonicMs() - dueMs > latenessMsMax;
      if (isLate && isSession(id)) {
        // The process was stopped, and what the members sent meanwhile has not been read yet. To
        // expire them all now would be to blame them for the gateway's own silence.
        this.#set(id, delayMs);
        return;
      }
      onDue(id, () => {
        if (this.#timers.get(id) !== timer) return false;
        return this.#timers.delete(id);
      });
    });
    this.#timers.set(id, timer);
  }
}

function isSession(id: TimerId): boolean {
  return id.startsWith('session/') || id.startsWith('pending/');
}
