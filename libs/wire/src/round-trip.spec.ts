import {
  arbitraryMessage,
  everyMessage,
  type MessageCase,
} from '@sluice/test/support/arbitrary-message';
import fc from 'fast-check';

import {
  apis,
  decodeRequest,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  readRequestHeader,
  type StructSpec,
} from './index';

const runs = { numRuns: 25 };

function roundTrip(
  { api, version, direction }: MessageCase,
  message: Record<string, unknown>,
): unknown {
  if (direction === 'response') {
    const frame = Buffer.concat(encodeResponse(api, version, 77, message));
    expect(frame.readInt32BE(0)).toBe(frame.length - 4);
    const decoded = decodeResponse(api, version, frame.subarray(4));
    expect(decoded.correlationId).toBe(77);
    return decoded.response;
  }
  const header = { correlationId: -5, clientId: 'me' };
  const frame = Buffer.concat(encodeRequest(api, version, header, message)).subarray(4);
  const { bodyAt, ...read } = readRequestHeader(frame);
  expect(read).toEqual({ ...header, apiKey: api.key, apiVersion: version });
  return decodeRequest(api, version, frame, bodyAt);
}

test('there are 39 APIs', () => {
  expect(apis.size).toBe(39);
});

describe('what is encoded comes back', () => {
  test.each(everyMessage())('$label', (message) => {
    const { fields } = message.api[message.direction];
    fc.assert(
      fc.property(arbitraryMessage(fields, message.version), (value) => {
        expect(roundTrip(message, value)).toEqual(value);
      }),
      runs,
    );
  });
});

describe('a literal without any field is written as the defaults', () => {
  test.each(everyMessage())('$label', (message) => {
    const { fields } = message.api[message.direction];
    const decoded = roundTrip(message, {}) as Record<string, unknown>;
    expect(Object.keys(decoded)).toEqual(fields.map(([name]) => name));
    expect(roundTrip(message, decoded)).toEqual(decoded);
  });
});

// They are moved to make room for their size, so what is referred to would lose its place.
test('tagged fields hold nothing that is written by reference', () => {
  const fields = [...apis.values()].flatMap((api) => [
    ...holders(api.request.fields, false),
    ...holders(api.response.fields, false),
  ]);
  expect(fields).toEqual([]);
});

/** Fields of bytes or records inside tags. */
function holders(fields: StructSpec, isTagged: boolean): string[] {
  return fields.flatMap(([name, spec]) => {
    const tagged = isTagged || spec.tag !== null;
    const type = spec.type.kind === 'array' ? spec.type.of : spec.type;
    if (type.kind === 'struct') return holders(type.fields, tagged);
    return tagged && (type.kind === 'bytes' || type.kind === 'records') ? [name] : [];
  });
}
