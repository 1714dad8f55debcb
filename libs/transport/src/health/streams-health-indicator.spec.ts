import type { StreamsServerHealth } from '../server/server-events';
import { StreamsHealthIndicator } from './streams-health-indicator';

const partition = {
  topic: 'orders',
  partition: 0,
  lag: 5,
  paused: false,
  inFlight: 2,
  // It has waited in its lane, which is well.
  oldestInFlightMs: 400_000,
  oldestCallMs: 10,
};
const well: StreamsServerHealth = {
  status: 'connected',
  problem: null,
  members: [
    {
      status: 'running',
      group: 'billing',
      memberId: 'm',
      problem: null,
      silentMs: 3,
      partitions: [partition, { ...partition, partition: 1, oldestCallMs: 90 }],
    },
  ],
};
const of = (health: StreamsServerHealth, limits = {}) =>
  new StreamsHealthIndicator({ health: () => health }).isHealthy('streams', limits).streams;
const withMember = (change: object) => ({
  ...well,
  members: [{ ...well.members[0]!, ...change }],
});

describe('StreamsHealthIndicator', () => {
  it('tells what the consumers own and how far they are behind', () => {
    expect(of(well)).toEqual({
      status: 'up',
      server: 'connected',
      groups: ['billing'],
      ownedPartitions: 2,
      lag: 10,
      inFlight: 4,
      oldestCallMs: 90,
    });
    // A spare member owns nothing, and is as well as any.
    expect(of(withMember({ partitions: [] })).status).toBe('up');
    const away = { status: 'reconnecting', problem: 'the connection is lost' } as const;
    expect(of({ ...well, ...away }).status).toBe('up');
    expect(of({ ...withMember({ silentMs: 60_000 }), ...away }).status).toBe('down');
  });

  it.each<[string, StreamsServerHealth, object, RegExp]>([
    ['has an ill consumer', withMember({ problem: 'it broke' }), {}, /^group billing: it broke$/],
    ['has stopped', { ...well, status: 'stopped' }, {}, /it is stopped/],
    ['has a problem', { ...well, problem: 'orders.dlq: refused' }, {}, /orders\.dlq: refused/],
    ['hears nothing', withMember({ silentMs: 31_000 }), {}, /no word from Redis/],
    ['hangs', well, { callMsMax: 50 }, /orders\/1 in the group billing has run for 90 ms/],
    ['is behind', well, { lagMax: 4 }, /5 records behind/],
  ])('is down when it %s', (_what, health, limits, problem) => {
    expect(of(health, limits)).toMatchObject({
      status: 'down',
      problem: expect.stringMatching(problem),
    });
  });
});
