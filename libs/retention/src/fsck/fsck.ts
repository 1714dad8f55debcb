import type { GroupHousekeeping } from '@sluice/groups';
import { holderOf, readTopicHolders, type TopicHolders } from '@sluice/log';
import { attempt, type RedisLink, type Shard } from '@sluice/redis';
import type { JobQueue } from '../queue/job-queue';
import type { JobData, Task, TaskResult } from '../queue/kinds';
import { fsckLimits } from './fsck-limits';
import { kindOfKey, type KeyKind } from './key-kinds';

/** What the check works with. */
export interface FsckDeps {
  redis: RedisLink;
  groups: Pick<GroupHousekeeping, 'forgetTopic' | 'isKnown' | 'remember' | 'topicsOf'>;
  queue: Pick<JobQueue, 'isOrphan' | 'removeOrphans'>;
}

type Counts = Record<string, number>;
type Of<K extends KeyKind['kind']> = Extract<KeyKind, { kind: K }>;

/**
 * Explains every key under the prefix, and counts what belongs to nothing:
 *
 * - keys of partitions that no topic has, that no topic is being made with, and that nobody is
 *   about to sweep;
 * - groups that the index of all groups does not name;
 * - committed offsets of topics that are gone;
 * - jobs that are in no list of the queue;
 * - keys that nobody knows. They may be another program's, so they are only told.
 *
 * With `remove` keys of partitions and jobs are removed; groups are put back into the index, and
 * offsets are handed to the next round over the groups, which removes what is old. It is safe
 * beside gateways at work: a key is judged by who had claimed it after it was seen, and who makes
 * something claims it first. Nothing is removed where the registry itself is damaged.
 */
export class FsckTask implements Task {
  constructor(private readonly deps: FsckDeps) {}

  async run({ remove = false }: JobData, signal: AbortSignal): Promise<TaskResult> {
    const check = new Check(this.deps, remove);
    for (const shard of this.deps.redis.shards) {
      let cursor = '0';
      do {
        cursor = await check.page(shard, cursor);
      } while (cursor !== '0' && !signal.aborted);
    }
    if (!signal.aborted) await check.end();
    return check.result();
  }
}

/** One check from its first key to its last. */
class Check {
  readonly #keys: Counts = {};
  readonly #orphans: Counts = { partitionKeys: 0, groups: 0, topicsInOffsets: 0, jobKeys: 0 };
  readonly #samples: string[] = [];
  readonly #goneTopics = new Set<string>();
  readonly #unlistedGroups = new Set<string>();
  #holders: TopicHolders | null = null;
  #isWhole = true;
  #removed = 0;

  constructor(
    private readonly deps: FsckDeps,
    private readonly wantsRemoval: boolean,
  ) {}

  /** Looks at some keys of a shard. @returns where to go on, '0' at the end */
  async page({ write }: Pick<Shard, 'write'>, cursor: string): Promise<string> {
    const { redis } = this.deps;
    const pattern = `${redis.keyPrefix.replace(/[*?[\]\\]/g, '\\$&')}*`;
    const { scanCount } = fsckLimits;
    const scan = write.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount);
    const [next, keys] = await attempt('fsck', scan);
    const found = keys.map((key) => ({ key, ...kindOfKey(key, redis.keyPrefix) }));
    await this.#partitions(found.filter((one) => one.kind === 'partition'));
    for (const one of found) {
      if (one.kind === 'partition') continue;
      if (one.kind === 'group') await this.#group(one);
      else if (one.kind === 'job') await this.#job(one);
      else this.#count(one.kind);
      if (one.kind === 'unknown') this.#sample(one.key);
    }
    return next;
  }

  async end(): Promise<void> {
    const { groups, queue } = this.deps;
    if (!this.#mayRemove) return;
    for (const topicId of this.#goneTopics) await groups.forgetTopic(topicId);
    if (this.#orphans['jobKeys']! > 0) this.#removed += await queue.removeOrphans();
  }

  result(): TaskResult {
    const details = {
      keys: { ...this.#keys },
      orphans: { ...this.#orphans },
      samples: [...this.#samples],
      isRegistryWhole: this.#isWhole,
      removes: this.#mayRemove,
    };
    return { keys: this.#removed, details };
  }

  get #mayRemove(): boolean {
    return this.wantsRemoval && this.#isWhole;
  }

  async #partitions(found: readonly (Of<'partition'> & { key: string })[]): Promise<void> {
    const isUnclaimed = (one: Of<'partition'>) =>
      this.#holders === null || holderOf(this.#holders, one) === 'nobody';
    // What was read before a key was seen does not tell that nobody has claimed it.
    if (found.some(isUnclaimed)) await this.#readHolders();
    for (const one of found) {
      const holder = holderOf(this.#holders!, one);
      if (holder !== 'nobody') {
        this.#count(holder === 'topic' ? 'partition' : 'passing');
        continue;
      }
      this.#orphans['partitionKeys']!++;
      this.#sample(one.key);
      if (!this.#mayRemove) continue;
      await attempt('fsck', this.deps.redis.write.unlink(one.key));
      this.#removed++;
    }
  }

  async #group({ groupId, part, key }: Of<'group'> & { key: string }): Promise<void> {
    const { groups } = this.deps;
    const isUnlisted = this.#unlistedGroups.has(groupId);
    if (!isUnlisted && (await groups.isKnown(groupId))) this.#count('group');
    else if (!isUnlisted) await this.#unlisted(groupId, key);
    if (part === 'state') return;
    const unheld = (topicId: string) => {
      const holders = this.#holders;
      return holders === null || !(holders.topics.has(topicId) || holders.passing.has(topicId));
    };
    const topicIds = (await groups.topicsOf(groupId)).filter(unheld);
    if (topicIds.length > 0) await this.#readHolders();
    for (const topicId of topicIds.filter(unheld)) {
      if (this.#goneTopics.has(topicId) || this.#goneTopics.size >= fsckLimits.goneTopicsMax) {
        continue;
      }
      this.#goneTopics.add(topicId);
      this.#orphans['topicsInOffsets']!++;
    }
  }

  async #unlisted(groupId: string, key: string): Promise<void> {
    // A group has two keys, and is one.
    if (this.#unlistedGroups.size < fsckLimits.unlistedGroupsMax) this.#unlistedGroups.add(groupId);
    this.#orphans['groups']!++;
    this.#sample(key);
    if (this.#mayRemove) await this.deps.groups.remember(groupId);
  }

  async #job({ jobId, key }: Of<'job'> & { key: string }): Promise<void> {
    if (!(await this.deps.queue.isOrphan(jobId))) return this.#count('job');
    this.#orphans['jobKeys']!++;
    this.#sample(key);
  }

  async #readHolders(): Promise<void> {
    this.#holders = await readTopicHolders(this.deps.redis);
    this.#isWhole &&= this.#holders.isWhole;
  }

  #count(what: string): void {
    this.#keys[what] = (this.#keys[what] ?? 0) + 1;
  }

  #sample(key: string): void {
    if (this.#samples.length >= fsckLimits.samplesMax) return;
    this.#samples.push(key.slice(0, fsckLimits.sampleCharactersMax));
  }
}
