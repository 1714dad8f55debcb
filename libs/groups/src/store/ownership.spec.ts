import { systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import * as fc from 'fast-check';
import { defaultGroupLimits } from '../limits';
import { OutdatedCoordinator, StaleGroup } from './errors';
import { CommittedOffsets } from './offsets';
import { GroupStates } from './group-states';

let redis: TestRedis;
let link: RedisLink;

beforeAll(async () => {
  redis = await sharedRedis();
  link = await connectLink(redis);
});
afterAll(() => redis.stop());

/** What one of three coordinators does; `late` is a fence that it had so many steps ago. */
type Action =
  | { kind: 'take'; who: number; newEpoch: boolean }
  | { kind: 'save'; who: number; late: number }
  | { kind: 'delete'; who: number; late: number }
  | { kind: 'commit' | 'forget'; who: number; late: number; partition: number; offset: number };

const who = fc.nat(2);
/** Mostly the fence that it has now. */
const late = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.nat(3) },
);
const place = { partition: fc.nat(1), offset: fc.nat(1000) };
const kind = <K extends string>(name: K) => fc.constant(name);
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: kind('take'), who, newEpoch: fc.boolean() }) },
  { weight: 4, arbitrary: fc.record({ kind: kind('commit'), who, late, ...place }) },
  { weight: 2, arbitrary: fc.record({ kind: kind('save'), who, late }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('forget'), who, late, ...place }) },
  { weight: 1, arbitrary: fc.record({ kind: kind('delete'), who, late }) },
);

interface Coordinator {
  epoch: number;
  /** The fences it has had, the newest first; '' where it has seen no group. */
  fences: string[];
}

let historyCount = 0;

/** A group, what is known to be so of it, and the three that want to have it. */
class History {
  readonly #groupId = `g${historyCount++}`;
  readonly #states = new GroupStates(link, defaultGroupLimits, systemRandom);
  readonly #offsets = new CommittedOffsets(link, defaultGroupLimits);
  readonly #coordinators: Coordinator[] = [0, 1, 2].map(() => ({ epoch: 0, fences: [''] }));
  /** Empty where there is no group. */
  #fence = '';
  #epoch = 0;
  readonly #seen = new Set<string>();
  readonly #committed = new Map<number, number>();
  readonly #lineages = new Map<number, number>();

  async run(action: Action): Promise<void> {
    const coordinator = this.#coordinators[action.who]!;
    if (action.kind === 'take') return this.#take(coordinator, action.newEpoch);
    const fence = coordinator.fences[Math.min(action.late, coordinator.fences.length - 1)]!;
    if (action.kind === 'save') return this.#save(coordinator, fence);
    const isOwner = fence !== '' && fence === this.#fence;
    const done = this.#write(action, fence);
    if (!isOwner) return expect(done).rejects.toThrow(StaleGroup);
    await done;
    if (action.kind === 'delete') this.#gone();
    else if (action.kind === 'commit') this.#committed.set(action.partition, action.offset);
    else this.#committed.delete(action.partition);
  }

  /** What is stored is what was accepted last, and every commit has raised its lineage. */
  async check(): Promise<void> {
    const found = await this.#offsets.fetchAll(this.#groupId);
    const byPartition = new Map(found.map((one) => [one.partition, one]));
    expect([...byPartition.keys()].sort()).toEqual([...this.#committed.keys()].sort());
    for (const [partition, { offset, lineage }] of byPartition) {
      expect(offset).toBe(this.#committed.get(partition));
      expect(lineage).toBeGreaterThanOrEqual(this.#lineages.get(partition) ?? 1);
      this.#lineages.set(partition, lineage);
    }
  }

  async #take(coordinator: Coordinator, newEpoch: boolean): Promise<void> {
    if (newEpoch) coordinator.epoch = 1 + Math.max(...this.#coordinators.map(({ epoch }) => epoch));
    const taking = this.#states.take(this.#groupId, coordinator.epoch);
    if (this.#fence === '') {
      expect(await taking).toBeNull();
      coordinator.fences.unshift('');
      return;
    }
    if (coordinator.epoch < this.#epoch) {
      return expect(taking).rejects.toThrow(OutdatedCoordinator);
    }
    const taken = (await taking)!;
    expect(taken.previousFence).toBe(this.#fence);
    this.#has(coordinator, taken.fence);
  }

  async #save(coordinator: Coordinator, fence: string): Promise<void> {
    const owned = { groupId: this.#groupId, fence, coordinatorEpoch: coordinator.epoch };
    const head = JSON.stringify({ state: 'empty' });
    const saving = this.#states.save(owned, {
      set: ['head', head],
      removed: [],
      emptiness: 'same',
    });
    if (fence !== this.#fence) return expect(saving).rejects.toThrow(StaleGroup);
    this.#has(coordinator, await saving);
  }

  async #write(action: Exclude<Action, { kind: 'take' | 'save' }>, fence: string): Promise<void> {
    if (action.kind === 'delete') return this.#states.delete(this.#groupId, fence);
    const { partition, offset, kind } = action;
    const place = { topicId: 'T', topic: 'orders', partition };
    if (kind === 'forget') return this.#offsets.delete(this.#groupId, fence, [place]);
    const lineageBefore = this.#lineages.get(partition) ?? 0;
    const offsets = [{ ...place, offset, leaderEpoch: 0, metadata: null }];
    await this.#offsets.commit(this.#groupId, fence, offsets);
    const [found] = await this.#offsets.fetch(this.#groupId, [place]);
    expect(found!.lineage).toBeGreaterThan(lineageBefore);
  }

  /** Nobody, in no history, may have had the fence before. */
  #has(coordinator: Coordinator, fence: string): void {
    expect(this.#seen.has(fence)).toBe(false);
    this.#seen.add(fence);
    coordinator.fences.unshift(fence);
    this.#fence = fence;
    this.#epoch = coordinator.epoch;
  }

  #gone(): void {
    this.#fence = '';
    this.#epoch = 0;
    this.#committed.clear();
  }
}

test('of three coordinators only the last who took the group writes, in any history', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 40 }), async (actions) => {
      const history = new History();
      for (const next of actions) {
        await history.run(next);
        await history.check();
      }
    }),
    { numRuns: 100 },
  );
});
