import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { connectLink, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { FakeTopics } from '../../../test/fake-topics';
import { HoldingProxy } from '../../../test/holding-proxy';
import { TestMember, type TestMemberOptions } from '../../../test/test-member';
import { GroupKeys } from '../../store/keys';
import { commitOwnedScript } from '../../store/scripts';

let redis: TestRedis;
let links: RedisLink[];
let topics: FakeTopics;
let members: TestMember[];

beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  const first = await connectLink(redis);
  links = [first, await connectLink(redis, { keyPrefix: first.keyPrefix })];
  topics = new FakeTopics();
  topics.create('orders', 6);
  members = [];
});
afterEach(async () => {
  await Promise.all(members.map(({ session }) => session.leave()));
  await Promise.all(links.map((link) => link.close()));
});

function member(options: Partial<TestMemberOptions> = {}, link?: RedisLink): TestMember {
  const to = link ?? links[members.length % links.length]!;
  const made = new TestMember({ redis: to, topics }, { groupId: 'g', ...options });
  members.push(made);
  return made;
}

const commitOf = (one: TestMember, name: string, offset: number) => {
  const { topicId, partition, ownerEpoch } = one.held.get(name)!;
  return { topicId, partition, ownerEpoch, offset, leaderEpoch: 0 };
};

/** Waits until all partitions are held, each by one member. */
async function settled(count: number): Promise<void> {
  await eventually(() => {
    const held = members.flatMap(({ held }) => [...held.keys()]);
    expect(held.sort()).toHaveLength(count);
    expect(new Set(held).size).toBe(count);
    return true;
  });
}

test('members that come and go at once share everything in the end', async () => {
  const crowd = Array.from({ length: 6 }, () => member());
  await Promise.all(crowd.map((one) => one.join()));
  await settled(6);
  await eventually(() => crowd.every(({ held }) => held.size === 1));
  await Promise.all(crowd.slice(0, 3).map(({ session }) => session.leave()));
  for (const one of crowd.slice(0, 3)) one.held.clear();
  topics.grow('orders', 9);
  await settled(9);
  expect(crowd.slice(3).map(({ held }) => held.size)).toEqual([3, 3, 3]);
});

test('a new owner begins after what the one before had committed', async () => {
  const first = await member({ isSlow: true }).join();
  const second = await member().join();
  await eventually(() => first.events.some((event) => event.startsWith('revoking')));
  const name = 'orders/5';
  const outcome = await first.session.commit([commitOf(first, name, 42)]);
  const late = commitOf(first, name, 50);
  first.letGo('orders/3', 'orders/4', name);
  await eventually(() => second.held.has(name));
  const { lineages } = outcome as { lineages: number[] };
  expect(lineages[0]).toBeGreaterThan(0);
  const committed = { offset: 42, leaderEpoch: 0, lineage: lineages[0] };
  expect(second.held.get(name)!.committed).toEqual(committed);
  // Of what it has no more, nothing is committed; its own commits keep the lineage.
  expect(await first.session.commit([late])).toEqual({ outcome: 'committed', lineages: [null] });
  const next = await second.session.commit([commitOf(second, name, 43)]);
  expect(next).toEqual({ outcome: 'committed', lineages });
});

/** A link that a proxy can hold up. */
async function slowLink(proxy: HoldingProxy, commandStallMs: number): Promise<RedisLink> {
  const url = `redis://127.0.0.1:${await proxy.start()}`;
  const { keyPrefix } = links[0]!;
  const slow = await connectLink(redis, { url, keyPrefix, commandStallMs });
  links.push(slow);
  return slow;
}

test('a member that is cut off is fenced before others have its partitions', async () => {
  const proxy = new HoldingProxy(redis);
  const lost = await member({ sessionTimeoutMs: 1000 }, await slowLink(proxy, 3000)).join();
  const before = lost.held.get('orders/0')!;
  const heldMeanwhile: boolean[] = [];
  const other = member({}, links[0]);
  const granted = other.granted.bind(other);
  other.granted = (grants) => {
    // Its timer may not have run yet: that may be late, as this may be.
    heldMeanwhile.push(lost.session.holds(before));
    granted(grants);
  };
  proxy.hold();
  await other.join();
  await eventually(() => other.held.size === 6);
  expect(new Set(heldMeanwhile)).toEqual(new Set([false]));
  await eventually(() => lost.events.includes('fenced'));
  await lost.session.leave();
  await proxy.stop();
});

test('a commit that comes late, or in another epoch, writes nothing', async () => {
  const one = await member().join();
  const commit = (offset: number) => one.session.commit([commitOf(one, 'orders/0', offset)]);
  await commit(1);
  await commit(2);
  const { memberId, memberEpoch } = one.session;
  const [link] = links as [RedisLink];
  const keys = new GroupKeys(link.keyPrefix).of('g');
  const { ownerEpoch } = one.held.get('orders/0')!;
  const values = ['id-orders/0', ownerEpoch, 9, 0, ''];
  const send = (epoch: number, sequence: number) => {
    const args = { memberId, memberEpoch: epoch, sequence, format: 2, offsets: values };
    return commitOwnedScript.call(link.write, keys, args);
  };
  expect(await send(memberEpoch, 2)).toEqual({ tag: 'late' });
  expect(await send(memberEpoch - 1, 3)).toEqual({ tag: 'fenced' });
  expect(await link.read.hget(keys.offsets, 'id-orders/0')).toMatch(/^v2 2 /);
  await one.session.leave();
  expect(await send(memberEpoch, 3)).toEqual({ tag: 'fenced' });
});

test('an event whose outcome is unknown is put in again, and does no harm', async () => {
  const proxy = new HoldingProxy(redis);
  const slow = await slowLink(proxy, 200);
  const one = await member({ sessionTimeoutMs: 20_000 }, slow).join();
  const { ownerEpoch } = one.held.get('orders/0')!;
  proxy.hold();
  one.letGo('orders/0');
  await eventually(() => proxy.heldCount > 0);
  await eventually(() => one.held.get('orders/0') !== undefined);
  expect(one.held.get('orders/0')!.ownerEpoch).toBeGreaterThan(ownerEpoch);
  proxy.release();
  await one.session.leave();
  await proxy.stop();
});

test('a member whose place is gone from Redis joins again by itself', async () => {
  const one = await member().join();
  const { memberEpoch } = one.session;
  await links[0]!.write.unlink(new GroupKeys(links[0]!.keyPrefix).state('g'));
  await eventually(() => one.session.memberEpoch > memberEpoch && one.held.size === 6);
  expect(one.events).toContain('fenced');
});

test('what Redis has lost of a grant is lost for the member', async () => {
  const one = await member().join();
  const { state } = new GroupKeys(links[0]!.keyPrefix).of('g');
  const before = await links[0]!.read.hgetall(state);
  const { ownerEpoch } = one.held.get('orders/0')!;
  one.letGo('orders/0');
  await eventually(() => (one.held.get('orders/0')?.ownerEpoch ?? 0) > ownerEpoch);
  // The state as it was before the last change, but for the session.
  await links[0]!.write.hset(state, before);
  await eventually(() => one.events.includes('lost orders/0'));
  await eventually(() => one.held.size === 6);
});
