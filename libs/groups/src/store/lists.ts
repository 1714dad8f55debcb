/** A list in pieces of at most `size`. */
export function chunks<T>(values: readonly T[], size: number): (readonly T[])[] {
  if (values.length <= size) return values.length === 0 ? [] : [values];
  const result: T[][] = [];
  for (let at = 0; at < values.length; at += size) result.push(values.slice(at, at + size));
  return result;
}

/** Like Promise.all, but leaves no rejection unhandled when several fail. */
export async function settleAll<T>(calls: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(calls);
  return settled.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}
