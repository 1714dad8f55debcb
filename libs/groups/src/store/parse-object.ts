/** An object whose fields have not been looked at. */
export type Unchecked = Readonly<Record<string, unknown>>;

/**
 * Parses JSON that must be an object.
 *
 * @param what it is, for the error
 * @throws Error
 */
export function parseObject(what: string, json: string): Unchecked {
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch (error) {
    throw new Error(`${what} is not JSON: ${(error as Error).message}`, { cause: error });
  }
  const isObject = typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed);
  if (!isObject) throw new Error(`${what} is no object`);
  return parsed as Unchecked;
}
