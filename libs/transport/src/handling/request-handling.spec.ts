import { silentLogger } from '@sluice/base';
import type { ConsumedRecord } from '@sluice/streams';
import { FakeClock } from '@sluice/test/support/fake-clock';
import type { ReplyFrame } from '../driver';
import type { Route } from '../handlers/routes';
import { streamHeaders } from '../headers';
import type { SideTopics } from '../letters/side-topics';
import type { PartitionRunner } from '../runner/partition-runner';
import { jsonDeserializer, jsonSerializer } from '../serialization/json';
import { transportLimits } from '../transport-limits';
import type { HandlingObserver } from './observer';
import { RequestHandling } from './request-handling';

const settled = () => new Promise((resolve) => setImmediate(resolve));
const header = (key: string, value: string) => ({ key, value: Buffer.from(value) });

function requestAt(offset: number): ConsumedRecord {
  return {
    topic: 'prices',
    partition: 0,
    offset,
    timestampMs: 1,
    key: null,
    mayBeRepeated: false,
    value: Buffer.from('{}'),
    headers: [
      header(streamHeaders.correlationId, String(offset)),
      header(streamHeaders.replyStream, 'client'),
    ],
  };
}

/** Requests whose handler gives so many values; Redis takes their answers when it is told to. */
function requestsWith(values: number) {
  const waiting: (() => void)[] = [];
  const sent: ReplyFrame[] = [];
  const acknowledged: number[] = [];
  const handling = new RequestHandling({
    clock: new FakeClock(),
    log: silentLogger,
    group: 'g',
    driver: {
      sendReply: (_address, frame) => {
        sent.push(frame);
        return new Promise((resolve) => waiting.push(resolve));
      },
    },
    serializer: jsonSerializer,
    sideTopics: {} as SideTopics,
    observer: { attempted: () => {}, handled: () => {} } as unknown as HandlingObserver,
    call: async ({ onValue }) => {
      for (let value = 0; value < values; value++) onValue(value);
      return { kind: 'returned' };
    },
  });
  const acknowledge = (records: readonly ConsumedRecord[]): void => {
    acknowledged.push(...records.map(({ offset }) => offset));
  };
  const runner = { isLost: false, acknowledge } as unknown as PartitionRunner;
  const route = { policy: { deserializer: jsonDeserializer } } as unknown as Route;
  const answer = (offset: number): { isOver: boolean } => {
    const record = requestAt(offset);
    const answering = { isOver: false };
    const request = handling.requestOf(record)!;
    void handling.answer(runner, route, record, request).then(() => (answering.isOver = true));
    return answering;
  };
  return { answer, waiting, sent, acknowledged };
}

describe('requests', () => {
  it('are acknowledged once Redis has the answer, for which the next does not wait', async () => {
    const { answer, waiting, sent, acknowledged } = requestsWith(1);
    const first = answer(1);
    await settled();
    expect(first.isOver).toBe(true);
    const second = answer(2);
    await settled();
    expect(second.isOver).toBe(true);
    expect(sent.map(({ correlationId }) => correlationId)).toEqual(['1', '2']);
    expect(acknowledged).toEqual([]);
    for (const take of waiting) take();
    await settled();
    expect(acknowledged).toEqual([1, 2]);
  });

  it('with several answers hold up the next until all are sent', async () => {
    const { answer, waiting, acknowledged } = requestsWith(2);
    const first = answer(1);
    await settled();
    waiting.shift()!();
    await settled();
    expect(first.isOver).toBe(false);
    waiting.shift()!();
    await settled();
    expect(first.isOver).toBe(true);
    expect(acknowledged).toEqual([1]);
  });

  it('wait where too many answers are on their way', async () => {
    const { answer, waiting } = requestsWith(1);
    for (let offset = 0; offset < transportLimits.answersOnTheirWayMax; offset++) answer(offset);
    await settled();
    const next = answer(transportLimits.answersOnTheirWayMax);
    await settled();
    expect(next.isOver).toBe(false);
    for (const take of waiting) take();
    await settled();
    expect(next.isOver).toBe(true);
  });
});
