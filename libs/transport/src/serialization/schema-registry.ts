import type { ConsumedRecord } from '@sluice/streams';
import { RetriableStreamException } from '../errors/stream-exceptions';
import type { StreamDeserializer, StreamSerializer } from './serialization';

/** A schema as it is used: how values become bytes, and bytes values. */
export interface SchemaCodec {
  encode(value: unknown): Uint8Array;
  decode(bytes: Uint8Array): unknown;
}

/** Where schemas are known, by whatever kind of registry. */
export interface SchemaLookup {
  /** The number of the schema that values of a topic are written with. */
  idFor(topic: string): number | Promise<number>;
  /** The schema of that number; rejects where there is none, or nobody can be asked. */
  codecOf(id: number): SchemaCodec | Promise<SchemaCodec>;
}

/** The first byte of a framed value, and the length of what stands before the payload. */
const magic = 0;
const headerBytes = 5;

/** Schemas that are kept in memory. */
const codecsMax = 1_000;

/**
 * Values in the framing that schema registries of the Kafka world have: a zero, the schema's number
 * in four bytes, the payload. What the payload is (Avro, Protobuf, JSON Schema) and where schemas
 * come from is the lookup's; each schema is looked up once.
 *
 * Bytes in another framing cannot be decoded by anybody and are dead letters. A lookup that fails
 * is another matter: the record is tried again.
 */
export class SchemaRegistrySerialization implements StreamSerializer, StreamDeserializer {
  readonly #codecs = new Map<number, SchemaCodec>();

  constructor(private readonly lookup: SchemaLookup) {}

  async serialize(value: unknown, topic: string): Promise<Buffer | null> {
    if (value === null || value === undefined) return null;
    const id = await this.lookup.idFor(topic);
    const codec = this.#codecs.get(id) ?? (await this.#codecOf(id));
    const header = Buffer.alloc(headerBytes);
    header.writeUInt8(magic, 0);
    header.writeUInt32BE(id, 1);
    return Buffer.concat([header, codec.encode(value)]);
  }

  deserialize({ value }: ConsumedRecord): unknown {
    if (value === null) return null;
    if (value.length < headerBytes || value[0] !== magic) {
      throw new TypeError('the value is not framed as values with a schema are');
    }
    const id = value.readUInt32BE(1);
    const payload = value.subarray(headerBytes);
    const known = this.#codecs.get(id);
    return known === undefined ? this.#decodeLater(id, payload) : known.decode(payload);
  }

  async #decodeLater(id: number, payload: Buffer): Promise<unknown> {
    return (await this.#codecOf(id)).decode(payload);
  }

  async #codecOf(id: number): Promise<SchemaCodec> {
    try {
      const codec = await this.lookup.codecOf(id);
      if (this.#codecs.size >= codecsMax) this.#codecs.clear();
      this.#codecs.set(id, codec);
      return codec;
    } catch (cause) {
      throw new RetriableStreamException(`the schema ${id} cannot be looked up`, { cause });
    }
  }
}
