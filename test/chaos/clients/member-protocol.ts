/** Kafka's ConsumerProtocol, version 0: what members tell each other through the coordinator. */

const headerBytes = 2;

/** A subscription of one topic. */
export function encodeSubscription(topic: string): Buffer {
  const name = Buffer.from(topic);
  const bytes = Buffer.alloc(headerBytes + 4 + 2 + name.length + 4);
  let at = bytes.writeInt16BE(0, 0);
  at = bytes.writeInt32BE(1, at);
  at = bytes.writeInt16BE(name.length, at);
  at += name.copy(bytes, at);
  bytes.writeInt32BE(-1, at);
  return bytes;
}

/** Partitions of one topic. */
export function encodeAssignment(topic: string, partitions: readonly number[]): Buffer {
  const name = Buffer.from(topic);
  const bytes = Buffer.alloc(headerBytes + 4 + 2 + name.length + 4 + 4 * partitions.length + 4);
  let at = bytes.writeInt16BE(0, 0);
  at = bytes.writeInt32BE(1, at);
  at = bytes.writeInt16BE(name.length, at);
  at += name.copy(bytes, at);
  at = bytes.writeInt32BE(partitions.length, at);
  for (const partition of partitions) at = bytes.writeInt32BE(partition, at);
  bytes.writeInt32BE(-1, at);
  return bytes;
}

/** The partitions of an assignment of one topic; none where it is empty. */
export function decodeAssignment(bytes: Buffer): number[] {
  if (bytes.length < headerBytes + 4 || bytes.readInt32BE(headerBytes) === 0) return [];
  const countAt = headerBytes + 4 + 2 + bytes.readInt16BE(headerBytes + 4);
  const count = bytes.readInt32BE(countAt);
  return Array.from({ length: count }, (_, i) => bytes.readInt32BE(countAt + 4 + 4 * i));
}
