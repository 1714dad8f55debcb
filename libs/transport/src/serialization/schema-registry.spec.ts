import type { ConsumedRecord } from '@sluice/streams';
import { streamExceptionKind } from '../errors/stream-exceptions';
import { rawDeserializer, rawSerializer } from './raw';
import { SchemaRegistrySerialization, type SchemaLookup } from './schema-registry';

const recordWith = (value: Buffer | null) => ({ value }) as ConsumedRecord;

/** A registry with one schema: numbers in big-endian bytes. */
function lookup(): SchemaLookup & { asked: number } {
  return {
    asked: 0,
    idFor: () => 258,
    codecOf(id) {
      this.asked++;
      if (id !== 258) throw new Error(`no schema ${id}`);
      return {
        encode: (value) => {
          const bytes = Buffer.alloc(4);
          bytes.writeInt32BE(value as number);
          return bytes;
        },
        decode: (bytes) => Buffer.from(bytes).readInt32BE(),
      };
    },
  };
}

describe('values with schemas', () => {
  it('carry the number of their schema, which is looked up once', async () => {
    const registry = lookup();
    const serialization = new SchemaRegistrySerialization(registry);
    const bytes = await serialization.serialize(7, 'orders');
    expect(bytes).toEqual(Buffer.from([0, 0, 0, 1, 2, 0, 0, 0, 7]));
    expect(serialization.deserialize(recordWith(bytes))).toBe(7);
    expect(registry.asked).toBe(1);
    const other = new SchemaRegistrySerialization(lookup());
    expect(await other.deserialize(recordWith(bytes))).toBe(7);
    expect(await serialization.serialize(null, 'orders')).toBeNull();
    expect(serialization.deserialize(recordWith(null))).toBeNull();
  });

  it('are dead letters in another framing, and tried again when nobody can be asked', async () => {
    const serialization = new SchemaRegistrySerialization(lookup());
    expect(() => serialization.deserialize(recordWith(Buffer.from('{}')))).toThrow(TypeError);
    const unknown = Buffer.from([0, 0, 0, 0, 1, 5]);
    const error: unknown = await Promise.resolve(
      serialization.deserialize(recordWith(unknown)),
    ).catch((reason: unknown) => reason);
    expect(streamExceptionKind(error)).toBe('retriable');
  });
});

describe('raw values', () => {
  it('are bytes, or text as UTF-8, and nothing else', () => {
    expect(rawSerializer.serialize(Buffer.from('a'), 't')).toEqual(Buffer.from('a'));
    expect(rawSerializer.serialize(new Uint8Array([1]), 't')).toEqual(Buffer.from([1]));
    expect(rawSerializer.serialize('é', 't')).toEqual(Buffer.from('é'));
    expect(rawSerializer.serialize(undefined, 't')).toBeNull();
    expect(() => rawSerializer.serialize({}, 't')).toThrow(TypeError);
    expect(rawDeserializer.deserialize(recordWith(Buffer.from('a')))).toEqual(Buffer.from('a'));
  });
});
