import type { ConsumedRecord } from '@sluice/streams';
import type { StreamDeserializer, StreamSerializer } from './serialization';

/** JSON in UTF-8. A value that JSON does not know (undefined, a function) becomes null. */
export const jsonSerializer: StreamSerializer = {
  serialize(value: unknown): Buffer | null {
    if (value === undefined) return null;
    const text: string | undefined = JSON.stringify(value);
    return text === undefined ? null : Buffer.from(text);
  },
};

/** JSON in UTF-8; a record without a value gives null. */
export const jsonDeserializer: StreamDeserializer = {
  deserialize({ value }: ConsumedRecord): unknown {
    return value === null ? null : (JSON.parse(value.toString()) as unknown);
  },
};
