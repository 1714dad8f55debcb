import { systemClock, systemRandom } from '@sluice/base';
import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { ErrorCode } from '@sluice/wire';
import * as fc from 'fast-check';
import { EpochTable, FakeCluster } from '../../test/fake-cluster';
import { RecordedLog } from '../../test/recorded-log';
import { TestConsumer } from '../../test/test-consumer';
import { epochOfFence } from '../store/fence';
import { GroupKeys } from '../store/keys';
import { GroupCoordinator } from './coordinator';

let redis: TestRedis;
let link: RedisLink;

beforeAll(async () => {
  redis = await sharedRedis();
  link = await connectLink(redis);
});
afterAll(async () => {
  await link.close();
  await redis.stop();
});

type Action =
  /** The group is given to a coordinator, of which some hear at once and the others later. */
  | { kind: 'move'; who: number; hears: boolean[] }
  /** Another takes the group, and a member commits where it was before, and nobody has heard. */
  | { kind: 'overtake'; who: number }
  | { kind: 'hear'; who: number }
  | { kind: 'unsure'; who: number; isTold: boolean }
  /** A consumer comes or, where it is there, leaves or falls silent. */
  | { kind: 'come'; who: number }
  | { kind: 'leave' | 'die'; who: number }
  /** A consumer commits, at the coordinator that it should ask or at any other. */
  | { kind: 'commit'; who: number; at: number | null }
  | { kind: 'wait'; ms: number };

const who = fc.nat(2);
const kind = <K extends string>(name: K) => fc.constant(name);

function actionsOf(coordinators: number): fc.Arbitrary<Action[]> {
  const at = fc.nat(coordinators - 1);
  const hears = fc.array(fc.boolean(), { minLength: coordinators, maxLength: coordinators });
  const commitAt = fc.oneof({ weight: 1, arbitrary: fc.constant(null) }, at);
  const action: fc.Arbitrary<Action> = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: kind('move'), who: at, hears }) },
    { weight: 2, arbitrary: fc.record({ kind: kind('overtake'), who }) },
    { weight: 2, arbitrary: fc.record({ kind: kind('hear'), who: at }) },
    { weight: 1, arbitrary: fc.record({ kind: kind('unsure'), who: at, isTold: fc.boolean() }) },
    { weight: 3, arbitrary: fc.record({ kind: kind('come'), who }) },
    { weight: 1, arbitrary: fc.record({ kind: kind('leave'), who }) },
    { weight: 1, arbitrary: fc.record({ kind: kind('die'), who }) },
    { weight: 8, arbitrary: fc.record({ kind: kind('commit'), who, at: commitAt }) },
    { weight: 3, arbitrary: fc.record({ kind: kind('wait'), ms: fc.nat(60) }) },
  );
  return fc.array(action, { minLength: 10, maxLength: 30 });
}

/** Two are members when it begins. */
const opening: readonly Action[] = [
  { kind: 'come', who: 0 },
  { kind: 'come', who: 1 },
  { kind: 'wait', ms: 60 },
];

/** Some coordinators, three consumers, and one group that is moved about under them. */
class History {
  readonly #groupId = `moving-${systemRandom.uuid()}`;
  readonly #table = new EpochTable();
  readonly #clusters: FakeCluster[];
  readonly #coordinators: GroupCoordinator[];
  readonly #consumers: (TestConsumer | null)[] = [null, null, null];
  #nextOffset = 0;
  #committed = -1;
  #generation = 0;

  constructor(count: number) {
    this.#clusters = Array.from({ length: count }, (_, id) => new FakeCluster(this.#table, id));
    this.#coordinators = this.#clusters.map((cluster) => {
      const limits = { initialRebalanceDelayMs: 5, sessionTimeoutMsMin: 50, reloadDelayMs: 20 };
      const deps = { redis: link, clock: systemClock, random: systemRandom, limits, cluster };
      return new GroupCoordinator({ ...deps, log: new RecordedLog() });
    });
    for (const coordinator of this.#coordinators) coordinator.start();
  }

  async run(action: Action): Promise<void> {
    switch (action.kind) {
      case 'move':
        this.#table.move(this.#groupId, action.who);
        this.#clusters.forEach((cluster, at) => action.hears[at] && cluster.learn());
        return;
      case 'overtake':
        return this.#overtake(action.who);
      case 'hear':
        return this.#clusters[action.who]!.learn();
      case 'unsure':
        this.#clusters[action.who]!.setSure(false, action.isTold);
        await pause(20);
        return this.#clusters[action.who]!.setSure(true, action.isTold);
      case 'come':
        this.#consumers[action.who] ??= this.#consumer(`c${action.who}`).start();
        return;
      case 'leave':
      case 'die':
        return this.#end(action);
      case 'commit':
        return this.#commit(action);
      case 'wait':
        return pause(action.ms);
    }
  }

  /** Generations only rise, and the committed offset is the last that was accepted. */
  async check(): Promise<void> {
    const [head] = await this.#state('head');
    if (head !== null) {
      const { generationId } = JSON.parse(head!) as { generationId: number };
      expect(generationId).toBeGreaterThanOrEqual(this.#generation);
      this.#generation = generationId;
    }
    const partitions = [{ topicId: 'T', partition: 0 }];
    const asked = this.#coordinators[0]!.operated(this.#groupId);
    const { offsets } = await asked.fetchOffsets({ groupId: this.#groupId, partitions });
    expect(offsets[0]!.offset).toBe(this.#committed);
  }

  /** All hear of how it is now: then everybody gets their part, without being thrown out. */
  async settle(): Promise<void> {
    for (const cluster of this.#clusters) cluster.learn();
    const members = this.#consumers.filter((one) => one !== null);
    // Those who share all partitions may be about to share them once more: that a heartbeat says.
    await eventually(async () => isShared(members) && (await areAlive(members)), {
      what: 'that all are members',
    });
    const { generationId } = members[0] ?? { generationId: 0 };
    this.#table.move(this.#groupId, this.#clusters.length - 1);
    for (const cluster of this.#clusters) cluster.learn();
    expect(await areAlive(members)).toBe(true);
    expect(members.every((member) => member.generationId === generationId)).toBe(true);
  }

  async end(): Promise<void> {
    const dying = this.#consumers.map((one) => one?.die());
    await Promise.all(this.#coordinators.map((coordinator) => coordinator.stop()));
    await Promise.all(dying);
  }

  async #end({ kind: how, who: index }: { kind: 'leave' | 'die'; who: number }): Promise<void> {
    const leaving = this.#consumers[index];
    if (!leaving) return;
    this.#consumers[index] = null;
    // What it waits for may need others to hear of a move first.
    for (const cluster of this.#clusters) cluster.learn();
    await (how === 'leave' ? leaving.close() : leaving.die());
  }

  async #overtake(who: number): Promise<void> {
    const { owner } = this.#table.seatOf(this.#groupId);
    this.#clusters[owner]!.learn();
    const next = (owner + 1) % this.#clusters.length;
    this.#table.move(this.#groupId, next);
    this.#clusters[next]!.learn();
    await this.#coordinators[next]!.describe(this.#groupId);
    // Who is refused once reads the group again with the next request.
    for (let times = 0; times < 2; times++) await this.#commit({ who, at: owner });
  }

  async #commit({ who: index, at }: { who: number; at: number | null }): Promise<void> {
    const member = this.#consumers[index];
    if (!member || member.memberId === '') return;
    const right = this.#table.seatOf(this.#groupId).owner;
    const asked = at ?? right;
    const known = this.#clusters[asked]!.coordinatorEpochOf(this.#groupId);
    const [fence] = await this.#state('fence');
    const offset = this.#nextOffset++;
    const claim = this.#consumer('committer', this.#coordinators[asked]);
    Object.assign(claim, { memberId: member.memberId, generationId: member.generationId });
    const errorCode = await claim.commit(offset);
    if (errorCode !== ErrorCode.NONE) return;
    // Nobody has had the group in a later epoch than who has taken the commit.
    expect(known).not.toBeNull();
    expect(known).toBeGreaterThanOrEqual(epochOfFence(fence ?? ''));
    this.#committed = offset;
  }

  #consumer(name: string, coordinator?: GroupCoordinator): TestConsumer {
    return new TestConsumer({
      coordinator: () =>
        coordinator ?? this.#coordinators[this.#table.seatOf(this.#groupId).owner]!,
      groupId: this.#groupId,
      name,
      sessionTimeoutMs: 800,
      rebalanceTimeoutMs: 1000,
    });
  }

  #state(...fields: string[]): Promise<(string | null)[]> {
    return link.write.hmget(new GroupKeys(link.keyPrefix).state(this.#groupId), ...fields);
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Whether each is told that its generation is the one that there is. */
async function areAlive(members: readonly TestConsumer[]): Promise<boolean> {
  const answers = await Promise.all(members.map((member) => member.heartbeat()));
  return answers.every(({ errorCode }) => errorCode === ErrorCode.NONE);
}

function isShared(members: readonly TestConsumer[]): boolean {
  if (members.length === 0) return true;
  const partitions = members.flatMap(({ assigned }) => assigned ?? []).sort();
  const generations = new Set(members.map(({ generationId }) => generationId));
  return partitions.join() === '0,1,2,3,4,5' && generations.size === 1;
}

test.each([2, 3])('a group that is moved about between %i coordinators', async (count) => {
  await fc.assert(
    fc.asyncProperty(actionsOf(count), async (actions) => {
      const history = new History(count);
      try {
        for (const action of [...opening, ...actions]) {
          await history.run(action);
          await history.check();
        }
        await history.settle();
      } finally {
        await history.end();
      }
    }),
    { numRuns: 10, interruptAfterTimeLimit: 60_000 },
  );
});
