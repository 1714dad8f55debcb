import type { SeededRandom } from '../seeded-random';
import type { FaultKind } from './fault-kind';

/** A fault that is to come. */
export interface PlannedFault {
  /** Milliseconds since the schedule began. */
  atMs: number;
  fault: FaultKind;
  forMs: number;
  /** Which of its targets, as a share of their number: at least 0, less than 1. */
  target: number;
}

/** Windows of a long run; a short one has as many as `windowsMin`. */
const windowMsMax = 30_000;
const windowsMin = 5;
/** Every so-maniest window, from the first on, is quiet, so that everything may recover. */
const quietEvery = 4;
/** How many kinds of faults one window has. */
const handSize = 3;
/** Between the beginnings of two faults, as shares of a window. */
const gap = { least: 1 / 6, most: 1 / 2 };
const msPerSecond = 1_000;
/** Where faults are many, most are short and a few as long as ever: a share to this power. */
const denseSkew = 3;

/** What a schedule is made of. */
export interface ScheduleOptions {
  seconds: number;
  faults: readonly FaultKind[];
  /** How often each kind is to happen; null: as it comes. */
  each?: number | null;
}

/**
 * What goes wrong, and when: windows with another mix each, every fourth of them quiet, a fault
 * every 5 to 15 s in windows of 30 s. In shorter windows faults come sooner and last shorter.
 * Where each kind is to happen so often, they come as close to each other as that needs.
 */
export function makeSchedule(random: SeededRandom, options: ScheduleOptions): PlannedFault[] {
  const { seconds, faults, each = null } = options;
  if (faults.length === 0) return [];
  const windowMs = Math.min(windowMsMax, (seconds * msPerSecond) / windowsMin);
  const windows = Math.round((seconds * msPerSecond) / windowMs);
  if (each === null) return mixed(random, faults, windowMs, windows);
  return counted(random, faults, windowMs, windows, each);
}

function mixed(
  random: SeededRandom,
  faults: readonly FaultKind[],
  windowMs: number,
  windows: number,
): PlannedFault[] {
  const pace = windowMs / windowMsMax;
  const deck = new Deck(random, faults);
  const planned: PlannedFault[] = [];
  for (let window = 0; window < windows; window++) {
    if (window % quietEvery === 0) continue;
    const hand = deck.deal(handSize);
    const endMs = (window + 1) * windowMs;
    let turn = 0;
    let atMs = window * windowMs + random.next() * windowMs * gap.least;
    while (atMs < endMs) {
      const fault = hand[turn++ % hand.length]!;
      const { least, most } = fault.lasts;
      const forMs = random.between(least, most) * msPerSecond * pace;
      planned.push({ atMs, fault, forMs, target: random.next() });
      atMs += random.between(gap.least, gap.most) * windowMs;
    }
  }
  return planned;
}

/** All kinds in turn, spread evenly over the windows that are not quiet. */
function counted(
  random: SeededRandom,
  faults: readonly FaultKind[],
  windowMs: number,
  windows: number,
  each: number,
): PlannedFault[] {
  const pace = windowMs / windowMsMax;
  const busy = Array.from({ length: windows }, (_, window) => window).filter(
    (window) => window % quietEvery !== 0,
  );
  const all = new Deck(random, faults).deal(each * faults.length);
  return all.map((fault, i) => {
    const place = ((i + random.next()) / all.length) * busy.length;
    const atMs = (busy[Math.floor(place)]! + (place % 1)) * windowMs;
    const { least, most } = fault.lasts;
    const seconds = least + (most - least) * random.next() ** denseSkew;
    return { atMs, fault, forMs: seconds * msPerSecond * pace, target: random.next() };
  });
}

/** Deals all kinds out before one comes again. */
class Deck {
  #left: FaultKind[] = [];

  constructor(
    private readonly random: SeededRandom,
    private readonly faults: readonly FaultKind[],
  ) {}

  deal(count: number): FaultKind[] {
    return Array.from({ length: count }, () => {
      if (this.#left.length === 0) this.#left = this.random.shuffled(this.faults);
      return this.#left.pop()!;
    });
  }
}
