/**
 * A record as a client gave it to us, in a form that all clients share. Bytes are text, one
 * character a byte, so that differences can be read in a failure.
 */
export interface SeenRecord {
  partition: number;
  offset: number;
  timestampMs: number;
  key: string | null;
  value: string | null;
  headers: [name: string, value: string | null][];
}

/** Bytes as text, one character a byte. */
export function asText(bytes: Buffer | null | undefined): string | null {
  return bytes === null || bytes === undefined ? null : bytes.toString('latin1');
}

/** UTF-8 text as the bytes that a client sends for it, in the form of `asText`. */
export function utf8(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** By partition, then by offset. */
export function inOrder(records: readonly SeenRecord[]): SeenRecord[] {
  return [...records].sort((a, b) => a.partition - b.partition || a.offset - b.offset);
}
