import type { Clock, Timer } from '@sluice/base';

/** Resolves when the work has ended, or so many milliseconds are over. */
export async function within(
  clock: Pick<Clock, 'setTimer'>,
  ms: number,
  work: Promise<unknown>,
): Promise<void> {
  if (ms === Infinity) return void (await work);
  let timer: Timer | undefined;
  const late = new Promise<void>((resolve) => (timer = clock.setTimer(ms, resolve)));
  await Promise.race([work, late]);
  timer?.cancel();
}
