import type { SeededRandom } from '../seeded-random';
import type { SetUp } from '../set-ups/set-up';
import type { MayLoseMs } from './promises';

/** What a fault works with. */
export interface FaultScene {
  setUp: SetUp;
  random: SeededRandom;
  /** How long it is to last, once it is there. */
  forMs: number;
  /** Waits; ends early where the run is ended. */
  wait: (forMs: number) => Promise<void>;
}

/** A fault of one target that is free: nothing else is wrong with it. */
export interface FaultTarget {
  name: string;
  /** Other targets that it needs for itself. */
  uses?: readonly string[];
  /** Does it, and repairs it. */
  run(scene: FaultScene): Promise<void>;
}

/** Something that can go wrong. */
export interface FaultKind {
  readonly name: string;
  /** What happens, in a few words. */
  readonly about: string;
  /** Seconds that it lasts in a run of long windows; shorter ones are in proportion. */
  readonly lasts: { least: number; most: number };
  readonly mayLoseMs: MayLoseMs;
  /** Why it cannot be had; null where it can. */
  whyNot(setUp: SetUp): string | null;
  /** What it can happen to. Two faults of one target never overlap. */
  targets(setUp: SetUp): FaultTarget[];
}
