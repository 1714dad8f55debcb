import type { ConsumedRecord } from '@sluice/streams';
import type { StreamDeserializer, StreamSerializer } from './serialization';

/** Bytes as they are; text becomes UTF-8. Refuses anything else. */
export const rawSerializer: StreamSerializer = {
  serialize(value: unknown): Buffer | null {
    if (value === null || value === undefined) return null;
    if (Buffer.isBuffer(value)) return value;
    if (value instanceof Uint8Array) return Buffer.from(value);
    if (typeof value === 'string') return Buffer.from(value);
    throw new TypeError(`raw bytes are asked for, and a value of type ${typeof value} was given`);
  },
};

/** The bytes of the record's value, or null. */
export const rawDeserializer: StreamDeserializer = {
  deserialize: ({ value }: ConsumedRecord): Buffer | null => value,
};
