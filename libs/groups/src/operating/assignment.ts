/** A partition that a member reads. */
export interface AssignedPartition {
  topic: string;
  partition: number;
}

const headerBytes = 6;
const lengthBytes = 2;
const countBytes = 4;

/**
 * The partitions in a ConsumerProtocolAssignment, of any version: they come first. The bytes are a
 * client's, so nothing is believed: no more is read than there is.
 *
 * @returns null when the bytes are not an assignment
 */
export function readAssignedPartitions(assignment: Buffer): AssignedPartition[] | null {
  if (assignment.length < headerBytes || assignment.readInt16BE(0) < 0) return null;
  const topics = assignment.readInt32BE(2);
  if (topics < 0) return null;
  const assigned: AssignedPartition[] = [];
  let at = headerBytes;
  for (let index = 0; index < topics; index++) {
    if (at + lengthBytes > assignment.length) return null;
    const nameBytes = assignment.readInt16BE(at);
    const nameEnd = at + lengthBytes + nameBytes;
    if (nameBytes < 0 || nameEnd + countBytes > assignment.length) return null;
    const topic = assignment.toString('utf8', at + lengthBytes, nameEnd);
    const count = assignment.readInt32BE(nameEnd);
    at = nameEnd + countBytes;
    if (count < 0 || count * countBytes > assignment.length - at) return null;
    for (let end = at + count * countBytes; at < end; at += countBytes) {
      assigned.push({ topic, partition: assignment.readInt32BE(at) });
    }
  }
  return assigned;
}
