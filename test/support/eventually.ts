import { setTimeout as sleep } from 'node:timers/promises';

const pauseMs = 50;
const defaultTimeoutMs = 60_000;

/**
 * Tries until `attempt` neither throws nor returns undefined, null or false; resolves with what it
 * returned. For waits on other processes: the deadline is generous, and reached only when it fails.
 *
 * @throws the last error of `attempt` when the time is over
 */
export async function eventually<T>(
  attempt: () => T | Promise<T>,
  options: { timeoutMs?: number; what?: string } = {},
): Promise<Exclude<Awaited<T>, undefined | null | false>> {
  const { timeoutMs = defaultTimeoutMs, what = 'it' } = options;
  const untilMs = performance.now() + timeoutMs;
  for (;;) {
    let failure: unknown = null;
    try {
      const result = await attempt();
      if (result !== undefined && result !== null && result !== false) {
        return result as Exclude<Awaited<T>, undefined | null | false>;
      }
    } catch (error) {
      failure = error;
    }
    if (performance.now() > untilMs) {
      throw failure ?? new Error(`${what} did not happen within ${timeoutMs} ms`);
    }
    await sleep(pauseMs);
  }
}
