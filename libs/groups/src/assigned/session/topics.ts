import type { Clock } from '@sluice/base';
import type { TopicChange } from '@sluice/log';
import type { GroupLimits } from '../../limits';
import type { KnownTopic, TopicsSeen } from '../machine/assigned-group';

/** What a member has to know of topics; the catalog is one. */
export interface TopicSource {
  /** Rises with each change of any topic, in whatever process. */
  readonly version: number;
  /** All topics; the same array until something changes. */
  list(): readonly { id: string; name: string; partitions: number }[];
  on(event: 'change', listener: (change: TopicChange) => void): () => void;
}

/**
 * The topics as one process sees them. A process that is behind what the group has seen catches up
 * within a second. One that stays behind is not: the registry itself has gone back, because Redis
 * has lost its last writes, and then what the process sees is taken for the newest.
 */
export class TopicsView {
  #behindSinceMs: number | null = null;
  #list: ReturnType<TopicSource['list']> | null = null;
  #byId = new Map<string, KnownTopic>();

  constructor(private readonly deps: { topics: TopicSource; clock: Clock; limits: GroupLimits }) {}

  /** Whether the group had seen newer topics when they were last looked at. */
  get isBehind(): boolean {
    return this.#behindSinceMs !== null;
  }

  /** @param versionMin what the group has seen */
  look(versionMin: number): TopicsSeen {
    const { topics, clock, limits } = this.deps;
    const { version } = topics;
    const list = topics.list();
    if (list !== this.#list) {
      this.#list = list;
      this.#byId = new Map(list.map(({ id, name, partitions }) => [id, { name, partitions }]));
    }
    const byId = this.#byId;
    if (version >= versionMin) {
      this.#behindSinceMs = null;
      return { version, byId };
    }
    const nowMs = clock.monotonicMs();
    this.#behindSinceMs ??= nowMs;
    const isTrusted = nowMs - this.#behindSinceMs >= limits.topicsBehindMsMax;
    return { version: isTrusted ? versionMin : version, byId };
  }
}
