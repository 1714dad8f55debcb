/**
 * Runs `work` for each item, at most `atOnceMax` of them at a time. The results are in the items'
 * order. When one fails nothing further is started, and the error is thrown.
 */
export async function inTurns<T, R>(
  items: readonly T[],
  atOnceMax: number,
  work: (item: T) => R | Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const at = next++;
      try {
        results[at] = await work(items[at]!);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  const workers = Math.min(atOnceMax, items.length);
  await Promise.all(Array.from({ length: workers }, worker));
  return results;
}
