import fc from 'fast-check';

import {
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  Fetch,
  Heartbeat,
  JoinGroup,
  ListOffsets,
  MalformedError,
  Metadata,
  readRequestHeader,
  wireLimits,
} from './index';
import { text } from './text';
import { isUuid, readUuid, writeUuid, zeroUuid } from './uuid';

const header = { correlationId: 1, clientId: null };

function timestampOf(high: string, low: string): number {
  const before = 'ffffffff 00000001 0001 74 00000001 00000002'.replaceAll(' ', '');
  const frame = Buffer.from(`${before}${high}${low}`, 'hex');
  return decodeRequest(ListOffsets, 1, frame, 0).topics[0]!.partitions[0]!.timestamp;
}

/** Reads a Heartbeat v0 with these bytes for its group id. */
function groupIdOf(bytes: Buffer): string {
  const size = Buffer.alloc(2);
  size.writeInt16BE(bytes.length);
  return decodeRequest(Heartbeat, 0, Buffer.concat([size, bytes, Buffer.alloc(6)]), 0).groupId;
}

function responseOf(records: Buffer | Buffer[] | null): Buffer[] {
  return encodeResponse(Fetch, 13, 1, {
    responses: [
      {
        topicId: zeroUuid,
        partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 1, records }],
      },
    ],
  });
}

function recordsIn(chunks: Buffer[]): Buffer {
  return decodeResponse(Fetch, 13, Buffer.concat(chunks).subarray(4)).response.responses[0]!
    .partitions[0]!.records;
}

/** The error codes that are told of a response with these, the first also for the whole. */
function codesIn(codes: number[]): number[] {
  const told: number[] = [];
  const partitions = codes.map((errorCode, partitionIndex) => ({
    partitionIndex,
    errorCode,
    highWatermark: 1,
    records: null,
  }));
  const responses = [{ topicId: zeroUuid, partitions }];
  encodeResponse(Fetch, 13, 1, { errorCode: codes[0], responses }, (code) => told.push(code));
  return told;
}

describe('text', () => {
  test('is what Buffer would give, known or not', () => {
    const some = fc.oneof(
      fc.string({ maxLength: 100, size: 'max' }),
      fc.string({ unit: 'grapheme', maxLength: 100, size: 'max' }),
    );
    fc.assert(
      fc.property(some, fc.nat({ max: 5 }), (value, at) => {
        const frame = Buffer.concat([Buffer.alloc(at), Buffer.from(value)]);
        expect(text(frame, at, frame.length)).toBe(frame.toString('utf8', at));
        expect(text(frame, at, frame.length)).toBe(frame.toString('utf8', at));
      }),
    );
  });
});

describe('a string that is too long to be told to older clients is refused', () => {
  test('because it is a long compact one', () => {
    const { stringBytesMax } = wireLimits;
    const beat = { generationId: 1, memberId: 'm' };
    const chunks = (size: number) =>
      encodeRequest(Heartbeat, 4, header, { ...beat, groupId: 'g'.repeat(size) });
    const read = (size: number) => {
      const frame = Buffer.concat(chunks(size)).subarray(4);
      return decodeRequest(Heartbeat, 4, frame, readRequestHeader(frame).bodyAt);
    };
    expect(read(stringBytesMax).groupId).toHaveLength(stringBytesMax);
    expect(() => read(stringBytesMax + 1)).toThrow(MalformedError);
  });

  test('or grows because it is not UTF-8', () => {
    const most = Math.floor(wireLimits.stringBytesMax / 3);
    expect(groupIdOf(Buffer.alloc(most, 0xff))).toHaveLength(most);
    expect(groupIdOf(Buffer.alloc(most + 1, 'g'))).toHaveLength(most + 1);
    expect(() => groupIdOf(Buffer.alloc(most + 1, 0xff))).toThrow(MalformedError);
  });
});

describe('uuid', () => {
  test('both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (bytes) => {
        const printed = Buffer.from(bytes).toString('base64url');
        const buffer = Buffer.alloc(16);
        expect(writeUuid(buffer, 0, printed)).toBe(true);
        expect(buffer).toEqual(Buffer.from(bytes));
        expect(readUuid(buffer, 0)).toBe(printed);
      }),
    );
    expect(readUuid(Buffer.alloc(16), 0)).toBe(zeroUuid);
  });

  test.each([
    '',
    'AAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAB',
    '+AAAAAAAAAAAAAAAAAAAAA',
    'éAAAAAAAAAAAAAAAAAAAAA',
  ])('not one: "%s"', (value) => {
    expect(isUuid(value)).toBe(false);
    const request = { maxWaitMs: 0, minBytes: 0, topics: [{ topicId: value, partitions: [] }] };
    expect(() => encodeRequest(Fetch, 13, header, request)).toThrow(RangeError);
  });
});

describe('int64', () => {
  test.each([
    ['00000000', '00000000', 0],
    ['ffffffff', 'ffffffff', -1],
    ['ffffffff', 'fffffffe', -2],
    ['00000001', '00000000', 2 ** 32],
    ['001fffff', 'ffffffff', Number.MAX_SAFE_INTEGER],
    ['00200000', '00000000', Number.MAX_SAFE_INTEGER],
    ['7fffffff', 'ffffffff', Number.MAX_SAFE_INTEGER],
    ['ffe00000', '00000001', Number.MIN_SAFE_INTEGER],
    ['ffe00000', '00000000', Number.MIN_SAFE_INTEGER],
    ['80000000', '00000000', Number.MIN_SAFE_INTEGER],
  ])('%s%s is %d', (high, low, value) => {
    expect(timestampOf(high, low)).toBe(value);
  });
});

describe('bytes and records', () => {
  test('large buffers go out by reference, in their order, small ones are copied', () => {
    const large = Buffer.alloc(wireLimits.referenceBytesMin, 1);
    const small = Buffer.alloc(wireLimits.referenceBytesMin - 1, 2);
    const other = Buffer.alloc(100_000, 3);
    const chunks = responseOf([large, small, other]);
    expect(chunks).toHaveLength(5);
    expect(chunks[1]).toBe(large);
    expect(chunks[3]).toBe(other);
    expect(recordsIn(chunks)).toEqual(Buffer.concat([large, small, other]));
    expect(chunks[0]!.readInt32BE(0)).toBe(Buffer.concat(chunks).length - 4);
  });

  test('a small response is one buffer, and its memory is not shared with the next', () => {
    const [first, ...rest] = responseOf([Buffer.from('one'), Buffer.from('two')]);
    const before = Buffer.from(first!);
    responseOf(Buffer.alloc(900, 7));
    expect(rest).toEqual([]);
    expect(first).toEqual(before);
  });

  test('no records is empty, never null', () => {
    expect(recordsIn(responseOf(null))).toEqual(Buffer.alloc(0));
    expect(responseOf(null)).toEqual(responseOf(Buffer.alloc(0)));
  });

  test('a null from another broker is read as none', () => {
    const [frame] = responseOf(null);
    const at = frame!.length - 4;
    expect(frame![at]).toBe(1);
    frame![at] = 0;
    expect(recordsIn([frame!])).toEqual(Buffer.alloc(0));
  });

  test('decoded records are a view of the frame, other bytes are a copy', () => {
    const frame = Buffer.concat(responseOf(Buffer.alloc(2000))).subarray(4);
    expect(recordsIn([Buffer.alloc(4), frame]).length).toBe(2000);
    const { response } = decodeResponse(Fetch, 13, frame);
    expect(response.responses[0]!.partitions[0]!.records.buffer).toBe(frame.buffer);
    const metadata = Buffer.from('subscription');
    const request = Buffer.concat(
      encodeRequest(JoinGroup, 5, header, {
        groupId: 'g',
        sessionTimeoutMs: 1,
        memberId: '',
        protocolType: 'consumer',
        protocols: [{ name: 'range', metadata }],
      }),
    ).subarray(4);
    const body = decodeRequest(JoinGroup, 5, request, readRequestHeader(request).bodyAt);
    request.fill(0);
    expect(body.protocols[0]!.metadata).toEqual(metadata);
  });

  test('a response far over the scratch memory', () => {
    const brokers = Array.from({ length: 3000 }, (_, nodeId) => {
      return { nodeId, host: 'a-rather-long-host-name.example', port: 1, rack: 'räck'.repeat(20) };
    });
    const chunks = encodeResponse(Metadata, 9, 3, { brokers, topics: [] });
    const { response } = decodeResponse(Metadata, 9, Buffer.concat(chunks).subarray(4));
    expect(response.brokers).toEqual(brokers);
  });

  test('a string over 32,767 bytes cannot be written in a classic version', () => {
    const response = { brokers: [], topics: [], clusterId: 'x'.repeat(32_768) };
    expect(() => encodeResponse(Metadata, 2, 3, response)).toThrow(RangeError);
    expect(encodeResponse(Metadata, 9, 3, response)[0]!.length).toBeGreaterThan(32_768);
  });

  test('a failed encoding leaves nothing behind', () => {
    const records = Buffer.alloc(5000);
    const bad = {
      responses: [
        {
          topic: 't',
          partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 1, records }],
        },
        { topic: 'x'.repeat(40_000), partitions: [] },
      ],
    };
    expect(() => encodeResponse(Fetch, 4, 1, bad)).toThrow(RangeError);
    expect(responseOf(null)).toHaveLength(1);
  });
});

test('a version that is not served cannot be encoded', () => {
  expect(() => encodeResponse(Fetch, 3, 1, { responses: [] })).toThrow(RangeError);
});

test('a null where the version has none is written as empty', () => {
  const [frame] = encodeRequest(Metadata, 0, header, { topics: null });
  expect(decodeRequest(Metadata, 0, frame!.subarray(4), 10).topics).toEqual([]);
});

describe('the error codes of a response', () => {
  test('are told, in their order, but for NONE', () => {
    expect(codesIn([-1, 0, 3, 3])).toEqual([-1, -1, 3, 3]);
  });

  test('are those of that response alone', () => {
    expect([codesIn([6]), codesIn([0, 0])]).toEqual([[6, 6], []]);
  });
});
