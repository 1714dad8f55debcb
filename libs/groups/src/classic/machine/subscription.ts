/** The protocol type of consumers; the metadata and assignments of other types are opaque. */
export const consumerProtocolType = 'consumer';

/**
 * An assignment of nothing in the consumer protocol: version 0, no topics, null user data. A member
 * that the leader forgot gets it, because some clients fail to decode zero bytes.
 */
export const emptyConsumerAssignment: Buffer = Buffer.from([
  0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff,
]);

/**
 * The topics in a ConsumerProtocolSubscription, of any version: they come first, right after the
 * version. The bytes are a client's, so nothing is believed: no more is read than there is.
 *
 * @returns null when the bytes are not a subscription
 */
export function readSubscribedTopics(metadata: Buffer): string[] | null {
  const headerBytes = 6;
  const lengthBytes = 2;
  if (metadata.length < headerBytes || metadata.readInt16BE(0) < 0) return null;
  const count = metadata.readInt32BE(2);
  if (count < 0 || count > (metadata.length - headerBytes) / lengthBytes) return null;
  const topics: string[] = [];
  let at = headerBytes;
  for (let index = 0; index < count; index += 1) {
    if (at + lengthBytes > metadata.length) return null;
    const length = metadata.readInt16BE(at);
    at += lengthBytes;
    if (length < 0 || at + length > metadata.length) return null;
    topics.push(metadata.toString('utf8', at, at + length));
    at += length;
  }
  return topics;
}
