import { Inject, Injectable } from '@nestjs/common';
import type { StreamsServerHealth } from '../server/server-events';
import { StreamsServer } from '../server/streams-server';

/** When a server of streams is no longer well. */
export interface StreamsHealthLimits {
  /** Since it last had word from Redis. Default: 30 s. */
  silentMsMax?: number;
  /** Since the oldest call of a handler began that runs: one that hangs. Default: 5 min. */
  callMsMax?: number;
  /** Records of a partition that are not acknowledged. Default: no limit. */
  lagMax?: number;
}

/** What terminus makes its answer of. */
export type StreamsHealthResult<Key extends string> = Record<Key, StreamsHealthDetails>;

/** How a server does, in terminus' words and in numbers. */
export interface StreamsHealthDetails {
  status: 'up' | 'down';
  [detail: string]: unknown;
}

const noServer: StreamsServerHealth = {
  status: 'stopped',
  problem: 'this app has no server of streams',
  members: [],
};

const defaultSilentMsMax = 30_000;
const defaultCallMsMax = 300_000;

/**
 * A health indicator of @nestjs/terminus that looks at the consumers themselves: whether they have
 * word from Redis, what they own, how far they are behind, and whether a handler hangs.
 *
 *     health.check([() => this.streams.isHealthy('streams')])
 */
@Injectable()
export class StreamsHealthIndicator {
  constructor(
    @Inject(StreamsServer) private readonly server: { health(): StreamsServerHealth } | null,
  ) {}

  /** @param key the name that it has in the answer */
  isHealthy<Key extends string>(
    key: Key,
    limits: StreamsHealthLimits = {},
  ): StreamsHealthResult<Key> {
    const health = this.server?.health() ?? noServer;
    const problem = problemOf(health, limits);
    const partitions = health.members.flatMap((member) => member.partitions);
    const result = {
      status: problem === null ? ('up' as const) : ('down' as const),
      ...(problem !== null && { problem }),
      server: health.status,
      groups: [...new Set(health.members.map(({ group }) => group))],
      ownedPartitions: partitions.length,
      lag: partitions.reduce((sum, { lag }) => sum + lag, 0),
      inFlight: partitions.reduce((sum, { inFlight }) => sum + inFlight, 0),
      oldestCallMs: Math.round(
        partitions.reduce((oldest, { oldestCallMs }) => Math.max(oldest, oldestCallMs), 0),
      ),
    };
    const named: Record<string, StreamsHealthDetails> = { [key]: result };
    return named as StreamsHealthResult<Key>;
  }
}

function problemOf(health: StreamsServerHealth, limits: StreamsHealthLimits): string | null {
  const { callMsMax = defaultCallMsMax, lagMax = Infinity } = limits;
  const { silentMsMax = defaultSilentMsMax } = limits;
  // A connection may be gone for a moment: how long, `silentMs` says.
  if (health.problem !== null && health.status !== 'reconnecting') return health.problem;
  if (health.status === 'stopped' || health.status === 'failed') return `it is ${health.status}`;
  for (const { group, partitions, problem, silentMs } of health.members) {
    if (problem !== null && health.status !== 'reconnecting') return `group ${group}: ${problem}`;
    if (silentMs > silentMsMax) {
      return `the group ${group} has had no word from Redis for ${Math.round(silentMs)} ms`;
    }
    for (const { topic, partition, lag, oldestCallMs } of partitions) {
      const name = `${topic}/${partition} in the group ${group}`;
      if (oldestCallMs > callMsMax) {
        return `a handler of ${name} has run for ${Math.round(oldestCallMs)} ms`;
      }
      if (lag > lagMax) return `${name} is ${lag} records behind`;
    }
  }
  return null;
}
