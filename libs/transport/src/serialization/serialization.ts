import type { ConsumedRecord } from '@sluice/streams';

/** Makes a record's value of what a handler or a client gives. */
export interface StreamSerializer {
  /** @param topic the topic that the record is for, or for an answer, of the request */
  serialize(value: unknown, topic: string): Buffer | null | Promise<Buffer | null>;
}

/**
 * Makes of a record what a handler gets. What it throws, or rejects with, says that the record
 * cannot be read: it goes to the dead-letter topic at once.
 */
export interface StreamDeserializer {
  deserialize(record: ConsumedRecord): unknown;
}
