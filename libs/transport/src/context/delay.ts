/** Whether it is a delay that can be waited for, and written down in a header. */
export function isDelayMs(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER;
}
