import type { BrokerInfo, ClusterChange, Placement } from '../api';
import type { ClusterContent } from '../store/cluster-store';
import type { ClusterNotice } from '../store/notice';
import { decodeBroker, type StoredBroker } from '../store/stored-broker';
import { decodeLeaders, newerLeaders, type StoredLeaders } from '../store/stored-leaders';
import { coordinatorsTopicId } from './group-slot';

/** What is known of one topic's leaders. */
export interface KnownLeaders {
  /** As it is in Redis. */
  readonly text: string;
  /** Null where it cannot be read, and is as good as none. */
  readonly leaders: StoredLeaders | typeof newerLeaders | null;
}

interface Entry extends KnownLeaders {
  /** The placements as they are shown, and of which brokers they were made. */
  shown: readonly Placement[];
  shownOf: object | null;
}

const nobody: Placement = Object.freeze({ leaderId: -1, leadership: 0, replicas: [] });

/** The last known state of the cluster, in memory, with look-ups in constant time. */
export class ClusterState {
  #version = -1;
  #controllerId = -1;
  /** Another map after each change. */
  #brokers: ReadonlyMap<number, StoredBroker> = new Map();
  #list: readonly StoredBroker[] = [];
  readonly #leaders = new Map<string, Entry>();

  /** The version in Redis that this is; −1 before the first. */
  get version(): number {
    return this.#version;
  }

  get controllerId(): number {
    return this.#brokers.has(this.#controllerId) ? this.#controllerId : -1;
  }

  /** By rising id. */
  get brokers(): readonly StoredBroker[] {
    return this.#list;
  }

  broker(id: number): StoredBroker | undefined {
    return this.#brokers.get(id);
  }

  /** How many topics have leaders, the coordinators among them. */
  get leaderCount(): number {
    return this.#leaders.size;
  }

  /** Topic id to what is known. */
  get leaders(): ReadonlyMap<string, KnownLeaders> {
    return this.#leaders;
  }

  /**
   * The placements of a topic's first partitions; nobody leads where a leader is not there.
   *
   * @param count how many partitions the topic has
   */
  placements(topicId: string, count: number): readonly Placement[] {
    const entry = this.#leaders.get(topicId);
    if (entry === undefined) return Array.from({ length: count }, () => nobody);
    if (entry.shownOf !== this.#brokers) this.#show(entry);
    if (entry.shown.length === count) return entry.shown;
    return Array.from({ length: count }, (_, index) => entry.shown[index] ?? nobody);
  }

  /** The placement of one partition. */
  placement(topicId: string, partition: number): Placement {
    const entry = this.#leaders.get(topicId);
    if (entry === undefined) return nobody;
    if (entry.shownOf !== this.#brokers) this.#show(entry);
    return entry.shown[partition] ?? nobody;
  }

  /** How many partitions of topics a broker leads. */
  ledBy(brokerId: number): number {
    let count = 0;
    for (const [topicId, { leaders }] of this.#leaders) {
      if (topicId === coordinatorsTopicId || leaders === null || leaders === newerLeaders) continue;
      for (const { leaderId } of leaders.partitions) if (leaderId === brokerId) count++;
    }
    return count;
  }

  /** Whether a broker leads a partition or coordinates groups. */
  hasLeader(brokerId: number): boolean {
    for (const { leaders } of this.#leaders.values()) {
      if (leaders === null || leaders === newerLeaders) continue;
      if (leaders.partitions.some(({ leaderId }) => leaderId === brokerId)) return true;
    }
    return false;
  }

  /** Takes over who is the controller. @returns whether it is another one than was known */
  setController(brokerId: number): boolean {
    const before = this.controllerId;
    this.#controllerId = brokerId;
    return before !== this.controllerId;
  }

  /** Takes over everything. */
  replace(content: ClusterContent): ClusterChange {
    const topics = new Set<string>();
    for (const topicId of this.#leaders.keys()) {
      if (!content.leaders.has(topicId)) this.#setLeaders(topicId, null, topics);
    }
    for (const [topicId, text] of content.leaders) this.#setLeaders(topicId, text, topics);
    this.#version = content.version;
    return this.#changeOf(topics, content.controllerId, () =>
      this.#setBrokers(content.brokers, new Map()),
    );
  }

  /**
   * Takes over one change. Null where a change before it is missing, so that all has to be read
   * anew; undefined where it is known already.
   *
   * @param decoded what is written in the texts, where that is known
   */
  apply(
    notice: ClusterNotice,
    decoded?: ReadonlyMap<string, StoredLeaders>,
  ): ClusterChange | null | undefined {
    if (notice.version <= this.#version) return undefined;
    if (notice.version > this.#version + 1) return null;
    this.#version = notice.version;
    const topics = new Set<string>();
    for (const [id, text] of notice.leaders ?? []) {
      this.#setLeaders(id, text, topics, decoded?.get(id));
    }
    const { controllerId = this.#controllerId, brokers } = notice;
    return this.#changeOf(topics, controllerId, () =>
      brokers === undefined ? false : this.#setBrokers(brokers, this.#brokers),
    );
  }

  #changeOf(changed: Set<string>, controllerId: number, setBrokers: () => boolean): ClusterChange {
    const before = { controllerId: this.controllerId, ids: this.#ids() };
    this.#controllerId = controllerId;
    const haveChanged = setBrokers();
    const brokers = haveChanged || before.controllerId !== this.controllerId;
    // Where one has come or gone, others may be led by nobody now, or by somebody again.
    const isAll = before.ids !== this.#ids();
    const coordinators = changed.delete(coordinatorsTopicId) || isAll;
    return { topics: isAll ? 'all' : changed, coordinators, brokers };
  }

  #ids(): string {
    return this.#list.map(({ id }) => id).join();
  }

  #setLeaders(
    topicId: string,
    text: string | null,
    changed: Set<string>,
    decoded?: StoredLeaders,
  ): void {
    if (this.#leaders.get(topicId)?.text === (text ?? undefined)) return;
    changed.add(topicId);
    if (text === null) return void this.#leaders.delete(topicId);
    const leaders = decoded ?? decodeLeaders(text);
    this.#leaders.set(topicId, { text, leaders, shown: [], shownOf: null });
  }

  /** @returns whether any has changed */
  #setBrokers(
    texts: ReadonlyMap<string, string | null>,
    base: ReadonlyMap<number, StoredBroker>,
  ): boolean {
    const brokers = new Map(base);
    for (const [field, text] of texts) {
      const broker = text === null ? null : decodeBroker(field, text);
      if (broker === null) brokers.delete(Number(field));
      else brokers.set(broker.id, broker);
    }
    const list = [...brokers.values()].sort((left, right) => left.id - right.id);
    if (JSON.stringify(list) === JSON.stringify(this.#list)) return false;
    this.#brokers = brokers;
    this.#list = list;
    return true;
  }

  #show(entry: Entry): void {
    const { leaders } = entry;
    const partitions = leaders === null || leaders === newerLeaders ? [] : leaders.partitions;
    entry.shown = partitions.map((placement) => {
      const { leaderId, leadership, replicas } = placement;
      if (this.#brokers.has(leaderId)) return placement;
      return { leaderId: nobody.leaderId, leadership, replicas };
    });
    entry.shownOf = this.#brokers;
  }
}

/** Whether nothing has changed. */
export function isNothing({ topics, coordinators, brokers }: ClusterChange): boolean {
  return topics !== 'all' && topics.size === 0 && !coordinators && !brokers;
}

/** What others are told of a broker. */
export function infoOf({ id, host, port, rack, version }: StoredBroker): BrokerInfo {
  return { id, host, port, rack, version };
}
