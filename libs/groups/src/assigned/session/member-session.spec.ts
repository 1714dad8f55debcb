import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { FakeTopics } from '../../../test/fake-topics';
import { TestMember, type TestMemberOptions } from '../../../test/test-member';
import { GroupKeys } from '../../store/keys';
import { AssignedStore } from '../stored/assigned-store';

let redis: TestRedis;
let link: RedisLink;
let topics: FakeTopics;
let members: TestMember[];

beforeAll(async () => {
  redis = await sharedRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  link = await connectLink(redis);
  topics = new FakeTopics();
  topics.create('orders', 4);
  members = [];
});
afterEach(async () => {
  await Promise.all(members.map(({ session }) => session.leave()));
  await link.close();
});

function member(options: Partial<TestMemberOptions> = {}): TestMember {
  const made = new TestMember({ redis: link, topics }, { groupId: 'g', ...options });
  members.push(made);
  return made;
}

const join = (options: Partial<TestMemberOptions> = {}) => member(options).join();
const stateOf = () => link.read.hgetall(new GroupKeys(link.keyPrefix).state('g'));
const all = 'orders/0 orders/1 orders/2 orders/3';

/** Waits until the members hold so many partitions, in the order given. */
async function holding(...counts: number[]): Promise<void> {
  await eventually(() => {
    expect(members.map(({ held }) => held.size)).toEqual(counts);
    return true;
  });
}

/** Holds back what is to be waited for until it is let through. */
class Gate {
  isAsked = false;
  letThrough!: () => void;
  readonly #opened = new Promise<void>((resolve) => (this.letThrough = resolve));

  pass(): Promise<void> {
    this.isAsked = true;
    return this.#opened;
  }
}

/** A gate before the saving of groups. */
function gateBeforeSaving(): Gate {
  const gate = new Gate();
  const { save } = AssignedStore.prototype;
  jest.spyOn(AssignedStore.prototype, 'save').mockImplementation(async function (
    this: AssignedStore,
    ...args
  ) {
    await gate.pass();
    return save.apply(this, args);
  });
  return gate;
}

describe('joining and leaving', () => {
  test('the first member gets everything at once', async () => {
    const first = await join();
    expect(first.holds).toBe(all);
    expect(first.session.memberEpoch).toBeGreaterThan(0);
    expect([...first.held.values()].every(({ committed }) => committed === null)).toBe(true);
    expect(first.session.partitions).toHaveLength(4);
  });

  test('a second member gets half, after the first has let go', async () => {
    const first = await join({ isSlow: true });
    const second = await join();
    await eventually(() => first.events.includes('revoking orders/2 orders/3'));
    expect(second.holds).toBe('');
    const [before] = [first.held.get('orders/2')!];
    first.letGo('orders/2');
    await eventually(() => second.holds === 'orders/2');
    expect(second.held.get('orders/2')!.ownerEpoch).toBeGreaterThan(before.ownerEpoch);
    first.letGo('orders/3');
    await holding(2, 2);
  });

  test('who is one too many is idle, and takes over when one leaves', async () => {
    for (let count = 0; count < 5; count++) await join();
    await eventually(() => members.filter(({ held }) => held.size === 1).length === 4);
    const idle = members.find(({ held }) => held.size === 0)!;
    const leaver = members.find(({ held }) => held.size === 1)!;
    const left = leaver.holds;
    await leaver.session.leave();
    await eventually(() => idle.holds === left);
  });

  test('an empty group keeps its head and its committed offsets alone', async () => {
    const only = await join();
    await only.session.leave();
    expect(Object.keys(await stateOf()).sort()).toEqual(['emptySince', 'fence', 'format', 'head']);
  });
});

describe('topics', () => {
  test('a topic that a pattern means is taken when made, and lost when deleted', async () => {
    const one = await join({ topics: [/o[a-z]+/] });
    topics.create('offers', 1);
    topics.create('other offers', 1);
    await eventually(() => one.holds === `offers/0 ${all}`);
    topics.delete('offers');
    await eventually(() => one.holds === all);
    expect(one.events).toContain('lost offers/0');
  });

  test('who sees older topics than the group does takes nothing back', async () => {
    const old = new FakeTopics();
    old.create('orders', 4);
    topics.grow('orders', 6);
    await join();
    // It never takes what it sees for the newest, however slow the machine is.
    const limits = { topicsBehindMsMax: 3_600_000 };
    const second = new TestMember({ redis: link, topics: old, limits }, { groupId: 'g' });
    members.push(second);
    await second.join();
    await holding(3, 3);
  });

  test('one that stays behind is not: the registry itself has gone back', async () => {
    topics.grow('orders', 6);
    await join({ isSlow: true });
    const old = new FakeTopics();
    old.create('orders', 2);
    const limits = { topicsBehindMsMax: 100 };
    const second = new TestMember({ redis: link, topics: old, limits }, { groupId: 'g' });
    members.push(second);
    await second.join();
    await eventually(() => members[0]!.events.some((event) => event.startsWith('lost')));
  });
});

describe('one that is to leave while it joins', () => {
  let subscriptions: number;
  let subscribing: Gate | null;

  beforeEach(() => {
    [subscriptions, subscribing] = [0, null];
    const subscribe = link.subscribe.bind(link);
    jest.spyOn(link, 'subscribe').mockImplementation(async (...args) => {
      await subscribing?.pass();
      const undo = await subscribe(...args);
      subscriptions++;
      return () => {
        subscriptions--;
        return undo();
      };
    });
  });
  afterEach(() => void jest.restoreAllMocks());

  async function nothingIsLeft(): Promise<void> {
    const fields = Object.keys(await stateOf());
    expect(fields.filter((field) => field.startsWith('member/'))).toEqual([]);
    expect([subscriptions, topics.listenerCount]).toEqual([0, 0]);
  }

  test.each(['subscribing', 'saving'])('is none in the end (%s)', async (step) => {
    const gate = step === 'saving' ? gateBeforeSaving() : (subscribing = new Gate());
    const made = member();
    const joined = made.join();
    await eventually(() => gate.isAsked);
    const left = made.session.leave();
    await new Promise(setImmediate);
    gate.letThrough();
    await Promise.all([joined, left]);
    await nothingIsLeft();
    expect(made.events).toEqual([]);
    expect(made.session.memberEpoch).toBe(-1);
  });

  test('while it joins again is none either', async () => {
    const made = await join();
    const gate = gateBeforeSaving();
    await link.write.unlink(new GroupKeys(link.keyPrefix).state('g'));
    await eventually(() => gate.isAsked);
    const left = made.session.leave();
    gate.letThrough();
    await left;
    await nothingIsLeft();
  });
});

describe('static members', () => {
  test('keep their partitions over a restart', async () => {
    const first = await join({ instanceId: 'one', sessionTimeoutMs: 20_000 });
    const second = await join({ instanceId: 'two', sessionTimeoutMs: 20_000 });
    await holding(2, 2);
    const { holds } = second;
    await second.session.leave();
    const again = await join({ instanceId: 'two', sessionTimeoutMs: 20_000 });
    expect(again.holds).toBe(holds);
    expect(first.events.filter((event) => event.startsWith('revoking'))).toHaveLength(1);
  });

  test('of two with one instance id the later is the member', async () => {
    const first = await join({ instanceId: 'one' });
    const second = await join({ instanceId: 'one' });
    expect(second.holds).toBe(all);
    await eventually(() => first.refusal?.reason === 'replaced');
    expect(first.events).toContain('fenced');
    expect(second.events).toEqual([`granted ${all}`]);
  });
});

describe('what is refused', () => {
  test('settings that cannot be', () => {
    const refusals = [
      { groupId: '' },
      { topics: [] },
      { sessionTimeoutMs: 1 },
      { heartbeatIntervalMs: 1500 },
      { assignor: 'other' as 'sticky' },
    ];
    for (const options of refusals) {
      expect(() => new TestMember({ redis: link, topics }, { groupId: 'g', ...options })).toThrow(
        expect.objectContaining({ name: 'GroupRefused', reason: 'settings' }),
      );
    }
  });

  test('one more than a group may have, and a group that cannot be read', async () => {
    await join();
    const limits = { groupMembersMax: 1 };
    const more = new TestMember({ redis: link, topics, limits }, { groupId: 'g' });
    await expect(more.join()).rejects.toMatchObject({ reason: 'full' });
    await link.write.hset(new GroupKeys(link.keyPrefix).state('damaged'), {
      fence: 'f',
      head: '{}',
    });
    const other = new TestMember({ redis: link, topics }, { groupId: 'damaged' });
    await expect(other.join()).rejects.toMatchObject({ reason: 'unreadable' });
  });
});
