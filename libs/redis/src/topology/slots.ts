/** How many slots a Redis Cluster has. */
export const slotCount = 16_384;

const crcTable = makeTable();

/**
 * The slot of a key or channel: of what stands between the first brace and the next closing one
 * where that is not empty, else of all of it (as the specification of Redis Cluster has it:
 * https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/).
 */
export function slotOf(key: string | Buffer): number {
  const text = typeof key === 'string' ? key : key.toString('latin1');
  const open = text.indexOf('{');
  const close = open < 0 ? -1 : text.indexOf('}', open + 1);
  const tag = close > open + 1 ? text.slice(open + 1, close) : text;
  // A text of a key is UTF-8 in Redis; that of bytes was taken as they are.
  const bytes = Buffer.from(tag, typeof key === 'string' ? 'utf8' : 'latin1');
  let crc = 0;
  for (const byte of bytes) crc = ((crc << 8) & 0xffff) ^ crcTable[((crc >> 8) ^ byte) & 0xff]!;
  return crc % slotCount;
}

/** CRC-16 with the polynomial 0x1021, as XMODEM has it. */
function makeTable(): Uint16Array {
  const table = new Uint16Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc << 1) ^ ((crc & 0x8000) === 0 ? 0 : 0x1021);
    table[byte] = crc & 0xffff;
  }
  return table;
}
