import type { Clock } from '@sluice/base';
import type { Partition } from '../partitions/partition';

/** Resolves on the first change of any of the partitions, when the time is up, or when aborted. */
export function waitForChange(
  partitions: Partition[],
  waitMs: number,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve) => {
    const stops: (() => void)[] = [];
    const finish = () => {
      for (const stop of stops.splice(0)) stop();
      resolve();
    };
    const timer = clock.setTimer(waitMs, finish);
    signal.addEventListener('abort', finish);
    stops.push(
      () => timer.cancel(),
      () => signal.removeEventListener('abort', finish),
    );
    for (const partition of partitions) stops.push(partition.onChange(finish));
  });
}
