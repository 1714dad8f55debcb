import type { Poll } from '../history/operation';
import { ClusterClient } from './cluster-client';
import { retryPauseMs, type ClientContext } from './context';
import { fetchOnce, type Fetched } from './fetching';
import { LoopingClient } from './looping-client';

/** Reads every partition from its start, by our own wire library and without a group. */
export class RawReader extends LoopingClient {
  /** By partition, where it goes on. */
  readonly positions: number[];
  readonly #cluster: ClusterClient;
  #fetches = 0;

  constructor(
    name: string,
    private readonly context: ClientContext,
  ) {
    super(name);
    this.#cluster = new ClusterClient(context, name);
    this.positions = Array.from({ length: context.partitions }, () => 0);
  }

  protected async run(): Promise<void> {
    await Promise.all(this.positions.map((_, partition) => this.#read(partition)));
    await this.#cluster.close();
  }

  async #read(partition: number): Promise<void> {
    const { history, topic } = this.context;
    while (!this.isStopping) {
      const begunMs = history.now();
      const place = { partition, offset: this.positions[partition]! };
      const fetched = await fetchOnce(this.#cluster, topic, place);
      this.positions[partition] = fetched.next;
      const about = { process: this.name, how: 'assign', group: null, partition } as const;
      const asked = { request: ++this.#fetches, from: place.offset };
      const poll = pollOf(fetched, { ...about, asked, begunMs, endedMs: history.now() });
      if (poll !== null) history.add(poll);
      if (fetched.outcome !== 'done') await this.pause(retryPauseMs);
    }
  }
}

type Told = 'process' | 'how' | 'group' | 'partition' | 'asked' | 'begunMs' | 'endedMs';
type About = Pick<Poll, Told>;

/** A fetch for the history; null where it brought nothing. */
export function pollOf(fetched: Fetched, about: About): Poll | null {
  const { records, outcome, why, logStart, logEnd, gateway } = fetched;
  if (outcome === 'done' && records.length === 0) return null;
  const seen = records.map(([offset, value]) => [offset, value] as [number, string]);
  const told = { outcome, records: seen, logStart, logEnd, gateway };
  return { kind: 'poll', client: 'raw', ...about, ...told, ...(why === undefined ? {} : { why }) };
}
