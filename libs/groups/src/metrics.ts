import {
  type Counter,
  type CounterCell,
  type MetricDefinition,
  type Metrics,
  type Tell,
} from '@sluice/base';

/** What is measured of consumer groups. */
export const groupMetrics = {
  groups: {
    type: 'gauge',
    name: 'sluice_groups',
    help:
      'Groups in memory by their state: all that have members, and others for as long as ' +
      'somebody asks for them. `Quarantined`: they cannot be served.',
    labels: ['state'],
  },
  members: { type: 'gauge', name: 'sluice_group_members', help: 'Members of all groups.' },
  parked: {
    type: 'gauge',
    name: 'sluice_group_waiting_requests',
    help: 'Requests that wait for their group: for others to join, for the leader, for Redis.',
  },
  generations: {
    type: 'counter',
    name: 'sluice_group_rebalances_total',
    help: 'Generations that have begun: each is a rebalance that came to its end.',
  },
  commits: {
    type: 'counter',
    name: 'sluice_group_commits_total',
    help: 'Commits by what became of them: `stored`, or `failed` on their way to Redis.',
    labels: ['result'],
  },
  committedOffsets: {
    type: 'counter',
    name: 'sluice_group_committed_offsets_total',
    help: 'Offsets in the commits that were stored, one for each partition.',
  },
} as const satisfies Record<string, MetricDefinition>;

/** How the groups in memory stand. */
export interface GroupsInMemory {
  /** How many are in which state. */
  states: ReadonlyMap<string, number>;
  members: number;
  waitingRequests: number;
}

/** Counts what happens in groups. */
export class GroupMeter {
  readonly generations: CounterCell;
  readonly #commits: Counter;
  readonly #committedOffsets: CounterCell;

  constructor(private readonly metrics: Metrics) {
    this.generations = metrics.counter(groupMetrics.generations).with({});
    this.#commits = metrics.counter(groupMetrics.commits);
    this.#commits.with({ result: 'stored' });
    this.#committedOffsets = metrics.counter(groupMetrics.committedOffsets).with({});
  }

  stored(offsets: number): void {
    this.#commits.add(1, { result: 'stored' });
    this.#committedOffsets.add(offsets);
  }

  failed(): void {
    this.#commits.add(1, { result: 'failed' });
  }

  /** @returns what ends it */
  observe(look: () => GroupsInMemory): () => void {
    const reads: [keyof typeof groupMetrics, (tell: Tell) => void][] = [
      [
        'groups',
        (tell) => {
          for (const [state, count] of look().states) tell(count, { state });
        },
      ],
      ['members', (tell) => tell(look().members)],
      ['parked', (tell) => tell(look().waitingRequests)],
    ];
    const stops = reads.map(([name, read]) => this.metrics.observe(groupMetrics[name], read));
    return () => stops.forEach((stop) => stop());
  }
}
