import { readRequestHeader } from './headers';
import { MalformedError } from './malformed-error';

const frame = (hex: string): Buffer => Buffer.from(hex.replaceAll(' ', ''), 'hex');

describe('the request header', () => {
  test('v1: classic client id', () => {
    expect(readRequestHeader(frame('0003 0001 00000009 0002 6d65 ffff'))).toEqual({
      apiKey: 3,
      apiVersion: 1,
      correlationId: 9,
      clientId: 'me',
      bodyAt: 12,
    });
  });

  test('v2: the client id is classic still, and tags follow', () => {
    const header = readRequestHeader(frame('0003 000c 00000009 ffff 01 05 02 0000 77'));
    expect(header).toMatchObject({ clientId: null, bodyAt: 15 });
  });

  test('an unknown key, and a version that is not served: the fixed part only', () => {
    const rest = { correlationId: 9, clientId: null, bodyAt: 8 };
    expect(readRequestHeader(frame('0999 0001 00000009 7fff'))).toMatchObject(rest);
    expect(readRequestHeader(frame('0012 0063 00000009 7fff'))).toMatchObject(rest);
    expect(readRequestHeader(frame('0001 0003 00000009 7fff'))).toMatchObject(rest);
  });

  test.each([
    '',
    '0003 0001 000000',
    '0003 0001 00000009',
    '0003 0001 00000009 0003 6d65',
    '0003 0001 00000009 fffe',
    '0003 000c 00000009 0001 6d',
    '0003 000c 00000009 0001 6d 01 00 05',
  ])('refused: "%s"', (hex) => {
    expect(() => readRequestHeader(frame(hex))).toThrow(MalformedError);
  });
});
