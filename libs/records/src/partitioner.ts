const seed = 0x9747b28c;
const mix = 0x5bd1e995;

/** MurmurHash2 with the seed of Kafka's Java client, as a signed 32-bit integer. */
export function murmur2(key: Buffer): number {
  const { length } = key;
  const whole = length & ~3;
  let hash = seed ^ length;
  for (let at = 0; at < whole; at += 4) {
    const word = key[at]! | (key[at + 1]! << 8) | (key[at + 2]! << 16) | (key[at + 3]! << 24);
    const mixed = Math.imul(word, mix);
    hash = Math.imul(hash, mix) ^ Math.imul(mixed ^ (mixed >>> 24), mix);
  }
  if (length > whole) {
    for (let at = length - 1; at >= whole; at--) hash ^= key[at]! << (8 * (at - whole));
    hash = Math.imul(hash, mix);
  }
  hash = Math.imul(hash ^ (hash >>> 13), mix);
  return hash ^ (hash >>> 15);
}

/**
 * The partition that Kafka's default partitioner gives a key, so that every client agrees where it
 * lives. A record without a key has no such partition; an empty key is a key.
 */
export function partitionForKey(key: Buffer, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}
