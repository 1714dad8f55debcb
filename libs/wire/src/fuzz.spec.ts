import {
  arbitraryMessage,
  everyMessage,
  type MessageCase,
} from '@sluice/test/support/arbitrary-message';
import fc from 'fast-check';

import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  FrameReader,
  MalformedError,
  Metadata,
  OffsetFetch,
  Produce,
  readRequestHeader,
  wireLimits,
  type Api,
  type RequestInput,
  type RequestOf,
} from './index';

const header = { correlationId: 1, clientId: 'fuzz' };

/** Decodes as a broker or a client would; anything thrown but MalformedError fails the test. */
function attempt(decode: () => unknown): void {
  try {
    decode();
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error;
  }
}

function attemptMessage({ api, version, direction }: MessageCase, body: Buffer): void {
  attempt(() => {
    if (direction === 'request') decodeRequest(api, version, body, 0);
    else decodeResponse(api, version, body);
  });
}

function encode(
  { api, version, direction }: MessageCase,
  message: Record<string, unknown>,
): Buffer {
  const chunks =
    direction === 'request'
      ? encodeRequest(api, version, header, message)
      : encodeResponse(api, version, 1, message);
  return Buffer.concat(chunks).subarray(4);
}

interface Mutation {
  readonly at: number;
  readonly kind: 'set' | 'cut' | 'insert' | 'large' | 'negative';
  readonly byte: number;
}

const mutations: fc.Arbitrary<Mutation[]> = fc.array(
  fc.record({
    at: fc.nat({ max: 400 }),
    kind: fc.constantFrom('set', 'cut', 'insert', 'large', 'negative'),
    byte: fc.nat({ max: 255 }),
  }),
  { minLength: 1, maxLength: 4 },
);

function mutate(frame: Buffer, mutation: Mutation): Buffer {
  const at = frame.length === 0 ? 0 : mutation.at % frame.length;
  const bytes = [...frame];
  switch (mutation.kind) {
    case 'cut':
      return Buffer.from(bytes.slice(0, at));
    case 'insert':
      return Buffer.from(bytes.toSpliced(at, 0, mutation.byte));
    case 'large':
      return Buffer.from(bytes.toSpliced(at, 4, 0x7f, 0xff, 0xff, 0xff));
    case 'negative':
      return Buffer.from(bytes.toSpliced(at, 4, 0xff, 0xff, 0xff, 0xfe));
    default:
      return Buffer.from(bytes.toSpliced(at, 1, mutation.byte));
  }
}

describe('bytes that are not what they should be are refused, never more than that', () => {
  test.each(everyMessage())('$label', (message) => {
    const { fields } = message.api[message.direction];
    const values = arbitraryMessage(fields, message.version);
    fc.assert(
      fc.property(values, mutations, fc.uint8Array({ maxLength: 200 }), (value, changes, noise) => {
        attemptMessage(message, Buffer.from(noise));
        const mutated = changes.reduce(mutate, encode(message, value));
        const isRequest = message.direction === 'request';
        attempt(() => {
          const body = isRequest ? mutated.subarray(readRequestHeader(mutated).bodyAt) : mutated;
          attemptMessage(message, body);
        });
      }),
      { numRuns: 30 },
    );
  });

  test('headers and framing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (noise) => {
        attempt(() => readRequestHeader(Buffer.from(noise)));
        attempt(() => new FrameReader({ frameBytesMax: 50 }).push(Buffer.from(noise)));
      }),
    );
  });

  test('every prefix of a message is refused', () => {
    for (const message of everyMessage()) {
      const whole = encode(message, {});
      const from = message.direction === 'request' ? readRequestHeader(whole).bodyAt : 0;
      const body = whole.subarray(from);
      const decode = (bytes: Buffer): unknown =>
        message.direction === 'request'
          ? decodeRequest(message.api, message.version, bytes, 0)
          : decodeResponse(message.api, message.version, bytes);
      for (let end = 0; end < body.length; end += 1) {
        expect(() => decode(body.subarray(0, end))).toThrow(MalformedError);
      }
    }
  });

  test('bytes behind a message are refused in a response, and ignored in a request', () => {
    for (const message of everyMessage()) {
      const { api, version, direction } = message;
      const whole = encode(message, {});
      const from = direction === 'request' ? readRequestHeader(whole).bodyAt : 0;
      const body = whole.subarray(from);
      const longer = Buffer.concat([body, Buffer.alloc(3, 1)]);
      if (direction === 'response') {
        expect(() => decodeResponse(api, version, longer)).toThrow(MalformedError);
      } else {
        const request = decodeRequest(api, version, body, 0);
        expect(decodeRequest(api, version, longer, 0)).toEqual(request);
      }
    }
  });
});

/** Bytes of heap and buffers that the decoding of a refused body takes, at most. */
function memoryOf(api: Api, version: number, body: Buffer): number {
  const runs = 50;
  expect(() => decodeRequest(api, version, body, 0)).toThrow(MalformedError);
  const before = process.memoryUsage();
  for (let run = 0; run < runs; run += 1) attempt(() => decodeRequest(api, version, body, 0));
  const after = process.memoryUsage();
  return (after.heapUsed - before.heapUsed + after.arrayBuffers - before.arrayBuffers) / runs;
}

describe('what is only announced allocates nothing', () => {
  const classicCount = Buffer.from('7fffffff', 'hex');
  const compactCount = Buffer.from('ffffffff0f', 'hex');
  const filler = Buffer.alloc(24, 1);

  test.each([
    ['topics of Metadata v1', Metadata, 1, Buffer.concat([classicCount, filler])],
    ['topics of Metadata v12', Metadata, 12, Buffer.concat([compactCount, filler])],
    ['groups of OffsetFetch v9', OffsetFetch, 9, Buffer.concat([compactCount, filler])],
    ['a transactional id of Produce v9', Produce, 9, Buffer.concat([compactCount, filler])],
    [
      'partitions of OffsetFetch v1',
      OffsetFetch,
      1,
      bodyOf('0001 67 00000001 0001 74 7fffffff 01'),
    ],
    [
      'records of Produce v3',
      Produce,
      3,
      bodyOf('ffff 0001 00000001 00000001 0001 74 00000001 00000001 7fffffff'),
    ],
  ])('%s', (_label, api: Api, version, body) => {
    expect(memoryOf(api, version, body)).toBeLessThan(200_000);
  });

  test('tags in numbers that cannot be there', () => {
    const tags = Buffer.concat([
      Buffer.from('00 0001 00000001 01'.replaceAll(' ', ''), 'hex'),
      compactCount,
    ]);
    expect(() => decodeRequest(Produce, 9, tags, 0)).toThrow(MalformedError);
  });

  test('elements that are really there are limited too, as each costs more than its bytes', () => {
    const count = wireLimits.elementsMax + 1;
    const head = Buffer.alloc(4);
    head.writeInt32BE(count);
    const body = Buffer.concat([head, Buffer.alloc(count * 2)]);
    expect(() => decodeRequest(Metadata, 1, body, 0)).toThrow('too many elements');
    head.writeInt32BE(count - 1);
    const allowed = Buffer.concat([head, Buffer.alloc((count - 1) * 2)]);
    expect(decodeRequest(Metadata, 1, allowed, 0).topics).toHaveLength(count - 1);
  });

  test('numbers are elements too, as each may cost an answer', () => {
    const half = wireLimits.elementsMax / 2;
    expect(offsetFetch(half - 1).topics).toHaveLength(2);
    expect(() => offsetFetch(half)).toThrow('too many elements');
  });
});

/** Asks twice for so many partitions. */
function offsetFetch(partitions: number) {
  const topic = { name: 't', partitionIndexes: Array<number>(partitions).fill(0) };
  return decoded(OffsetFetch, 1, { groupId: 'g', topics: [topic, topic] });
}

/** A request as it is read from its own bytes. */
function decoded<A extends Api>(api: A, version: number, request: RequestInput<A>): RequestOf<A> {
  const frame = Buffer.concat(encodeRequest(api, version, header, request)).subarray(4);
  return decodeRequest(api, version, frame, readRequestHeader(frame).bodyAt);
}

function bodyOf(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}
