/** Names of queues: part of keys, of addresses, and of consumer groups. */
const queuePattern = /^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$/;

/** Whether a queue may have this name. */
export function isQueueName(name: string): boolean {
  return queuePattern.test(name);
}

/** What BullMQ puts before the queue's name. All keys of a queue are in one slot. */
export function queuePrefix(keyPrefix: string, queue: string): string {
  return `${keyPrefix}{jobs/${queue}}`;
}

/** A partition of a topic. */
export interface FedPartition {
  topicId: string;
  partition: number;
}

/** The first offset of a partition that was not fed to the queue. */
export function fedKey(keyPrefix: string, queue: string, from: FedPartition): string {
  return `${queuePrefix(keyPrefix, queue)}:fed:${from.topicId}/${from.partition}`;
}

/** Which failed jobs some worker is sending to the dead-letter topic, and until when. */
export function takenKey(keyPrefix: string, queue: string): string {
  return `${queuePrefix(keyPrefix, queue)}:taken`;
}

/** A key of BullMQ: a part of the queue, or a job. */
export function bullKey(keyPrefix: string, queue: string, name: string): string {
  return `${queuePrefix(keyPrefix, queue)}:${queue}:${name}`;
}

/** The id of a record's job. BullMQ allows no colons in it. */
export function jobIdOf({ topicId, partition }: FedPartition, offset: number): string {
  return `${topicId}.${partition}.${offset}`;
}
