import { Sampler, type Clock, type Logger, type Metrics } from '@sluice/base';
import type { GroupCoordinator } from '@sluice/groups';
import type { PartitionRef, PartitionStore, TopicCatalog } from '@sluice/log';
import { limits } from '../limits';
import { brokerMetrics } from '../metrics';
import { inTurns } from '../requests/in-turns';

/** What lag is found out with. */
export interface LagSamplerDeps {
  groups: Pick<GroupCoordinator, 'list' | 'fetchOffsets'>;
  catalog: Pick<TopicCatalog, 'byId'>;
  store: Pick<PartitionStore, 'boundsMany'>;
  clock: Clock;
  log: Logger;
  metrics: Metrics;
}

interface Lag {
  group: string;
  topic: string;
  records: number;
}

interface Sample {
  lags: Lag[];
  groupsLeftOut: number;
}

interface Committed {
  group: string;
  ref: PartitionRef;
  offset: number;
}

/**
 * How far consumer groups are behind, for the metrics. It is asked of Redis in the background, so
 * that whoever reads the metrics never waits for that, within limits for groups and partitions; and
 * only while somebody reads them.
 */
export class LagSampler {
  readonly #sampler: Sampler<Sample>;
  readonly #unobserve: readonly (() => void)[];

  constructor(private readonly deps: LagSamplerDeps) {
    const { clock, log, metrics } = deps;
    const take = (signal: AbortSignal) => this.#take(signal);
    this.#sampler = new Sampler({ clock, log, name: 'the look at the lag of groups', take });
    this.#unobserve = [
      metrics.observe(brokerMetrics.lag, (tell) => {
        const { lags = [] } = this.#sampler.look() ?? {};
        for (const { group, topic, records } of lags) tell(records, { group, topic });
      }),
      metrics.observe(brokerMetrics.lagAge, (tell) => {
        const { ageMs } = this.#sampler;
        if (Number.isFinite(ageMs)) tell(ageMs / 1000);
      }),
      metrics.observe(brokerMetrics.lagLeftOut, (tell) => {
        tell(this.#sampler.look()?.groupsLeftOut ?? 0);
      }),
    ];
  }

  async stop(): Promise<void> {
    for (const stop of this.#unobserve) stop();
    await this.#sampler.stop();
  }

  async #take(signal: AbortSignal): Promise<Sample> {
    const { groups } = await this.deps.groups.list();
    const ids = groups.map(({ groupId }) => groupId).sort();
    const committed: Committed[] = [];
    let looked = 0;
    await inTurns(ids.slice(0, limits.lagGroupsMax), limits.groupsAtOnceMax, async (group) => {
      if (signal.aborted || committed.length >= limits.lagPartitionsMax) return;
      committed.push(...(await this.#committedBy(group)));
      looked++;
    });
    const some = committed.slice(0, limits.lagPartitionsMax);
    const behind = await inTurns(some, limits.lagPartitionsAtOnceMax, (one) =>
      signal.aborted ? 0 : this.#behind(one),
    );
    const lags = new Map<string, Lag>();
    some.forEach(({ group, ref: { topic } }, i) => {
      const key = `${group.length}:${group}${topic}`;
      const lag = lags.get(key) ?? { group, topic, records: 0 };
      lag.records += behind[i]!;
      lags.set(key, lag);
    });
    return { lags: [...lags.values()], groupsLeftOut: ids.length - looked };
  }

  /** What is committed for topics that are there. */
  async #committedBy(group: string): Promise<Committed[]> {
    const { groups, catalog } = this.deps;
    const { offsets } = await groups.fetchOffsets({ groupId: group, partitions: null });
    return offsets.flatMap(({ topicId, partition, offset }) => {
      const topic = catalog.byId(topicId);
      const isThere = topic !== undefined && partition < topic.partitions && offset >= 0;
      return isThere ? [{ group, ref: { topic: topic.name, topicId, partition }, offset }] : [];
    });
  }

  /** Records between what is committed and the high watermark, but for those that are trimmed. */
  async #behind({ ref, offset }: Committed): Promise<number> {
    // One partition that cannot be read keeps nobody from the others.
    const [bounds] = await this.deps.store.boundsMany([ref]).catch(() => [null]);
    if (!bounds) return 0;
    return Math.max(0, bounds.highWatermark - Math.max(offset, bounds.logStartOffset));
  }
}
