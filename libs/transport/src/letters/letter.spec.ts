import type { ConsumedRecord } from '@sluice/streams';
import { headerText } from '../context/stream-context';
import { reportOf } from '../errors/error-report';
import { deadLetter, dueMsOf, originOf, requeuedLetter, retryLetter } from './letter';

const record: ConsumedRecord = {
  topic: 'orders',
  partition: 2,
  offset: 17,
  timestampMs: 1_000,
  key: Buffer.from('alice'),
  value: Buffer.from('{}'),
  headers: [
    { key: 'source', value: Buffer.from('shop') },
    { key: 'source', value: null },
    { key: 'nest-reply-stream', value: Buffer.from('r') },
    { key: 'sluice-meta-trace', value: Buffer.from('t') },
    { key: 'sluice-attempts', value: Buffer.from('99') },
  ],
  mayBeRepeated: false,
};
const failure = { error: new Error('no'), attempts: 1, firstFailureMs: 50, lastFailureMs: 60 };

/** What a consumer reads of a record that was written. */
const readBack = (written: ReturnType<typeof retryLetter>, offset: number): ConsumedRecord => ({
  ...record,
  topic: written.topic,
  partition: 0,
  offset,
  timestampMs: written.timestampMs!,
  headers: written.headers!,
});

describe('letters', () => {
  it('by the retry topic keep where the record came from, and count on', () => {
    const first = readBack(retryLetter(record, 'g', originOf(record, false), failure, 250), 0);
    expect(first.topic).toBe('orders.g.retry');
    expect(dueMsOf(first)).toBe(60 + 250);
    const origin = originOf(first, true);
    expect(origin).toEqual({
      topic: 'orders',
      partition: 2,
      offset: 17,
      timestampMs: 1_000,
      attempts: 1,
      firstFailureMs: 50,
    });
    const again = { ...failure, attempts: 2, firstFailureMs: 80, lastFailureMs: 90 };
    const second = readBack(retryLetter(first, 'g', origin, again, 0), 1);
    expect(second.topic).toBe('orders.g.retry');
    expect(originOf(second, true)).toEqual({ ...origin, attempts: 2 });
    expect(second.headers.filter(({ key }) => key === 'sluice-attempts')).toHaveLength(1);
  });

  it('believe no story of a record that did not come by a retry topic', () => {
    const forged = {
      ...record,
      headers: [{ key: 'sluice-origin-topic', value: Buffer.from('x') }],
    };
    expect(originOf(forged, false)).toMatchObject({ topic: 'orders', attempts: 0 });
    const strange = [
      ...forged.headers,
      { key: 'sluice-origin-offset', value: Buffer.from('-1') },
      { key: 'sluice-attempts', value: Buffer.from('many') },
    ];
    expect(originOf({ ...record, headers: strange }, true)).toMatchObject({
      topic: 'x',
      offset: 17,
      attempts: 0,
    });
  });

  it('that are put back are the records that they were', () => {
    const letter = deadLetter(record, null, 'g', originOf(record, false), failure, 'unrecoverable');
    expect(letter.topic).toBe('orders.dlq');
    const read = readBack(letter, 3);
    expect(headerText(read.headers, 'nest-reply-stream')).toBe('r');
    expect(requeuedLetter(read)).toEqual({
      topic: 'orders',
      key: record.key,
      value: record.value,
      headers: [record.headers[0], record.headers[1], record.headers[3]],
    });
    expect(requeuedLetter({ ...read, headers: [] })).toBeNull();
  });
});

describe('the report of an error', () => {
  it('has its name, its message, and the stacks of its causes', () => {
    class CardRefused extends Error {}
    const report = reportOf(new CardRefused('no', { cause: new TypeError('deep') }));
    expect(report).toMatchObject({ name: 'CardRefused', message: 'no' });
    expect(report.stack).toMatch(/Caused by: TypeError: deep/);
  });

  it('is bounded, and says what it can of what is no error', () => {
    const endless = new Error('x'.repeat(100_000));
    endless.cause = endless;
    const report = reportOf(endless);
    expect(report.message).toHaveLength(2_000);
    expect(report.stack.length).toBeLessThanOrEqual(8_000);
    expect(reportOf('text')).toEqual({ name: 'string', message: 'text', stack: '' });
    expect(reportOf({ status: 'error', message: 'masked' }).message).toBe('masked');
    expect(reportOf({ code: 7 }).message).toBe('{"code":7}');
    const circle: Record<string, unknown> = {};
    circle.of = circle;
    expect(reportOf(circle).message).toBe('[object Object]');
    expect(reportOf(undefined).message).toBe('undefined');
  });
});
