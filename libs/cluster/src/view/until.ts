import type { Clock } from '@sluice/base';
import type { ClusterFeed } from './cluster-feed';

/**
 * Waits until something holds of the cluster as it is known here.
 *
 * @returns whether it does, within `timeoutMs`
 */
export function until(
  feed: Pick<ClusterFeed, 'onChange'>,
  clock: Clock,
  timeoutMs: number,
  holds: () => boolean,
): Promise<boolean> {
  if (holds()) return Promise.resolve(true);
  return new Promise((resolve) => {
    const end = (held: boolean): void => {
      undo();
      timer.cancel();
      resolve(held);
    };
    const undo = feed.onChange(() => {
      if (holds()) end(true);
    });
    const timer = clock.setTimer(timeoutMs, () => end(holds()));
  });
}
