import { AssignedDriver } from '../../../test/assigned-driver';
import { stateOf } from './assigned-group';

let driver: AssignedDriver;

beforeEach(() => {
  driver = new AssignedDriver();
});

const viewOf = (memberId: string) => {
  const { epoch } = driver.group.members.get(memberId)!;
  const outcome = driver.release(memberId, epoch, []);
  if (outcome.kind !== 'member') throw new Error(outcome.kind);
  return outcome.view;
};

/** Lets go all that is revoked. */
function yieldAll(memberId: string): void {
  const { memberEpoch, partitions } = viewOf(memberId);
  driver.release(
    memberId,
    memberEpoch,
    partitions.filter(({ isRevoked }) => isRevoked),
  );
}

describe('handing over', () => {
  test('what is revoked stays with its owner until that lets go', () => {
    driver.join('a');
    driver.join('b');
    expect(driver.held('a')).toBe('orders/0 orders/1 orders/2- orders/3-');
    expect(driver.held('b')).toBe('');
    expect(stateOf(driver.group)).toBe('reconciling');
    const before = driver.group.owners.get('id-orders/2')!;
    yieldAll('a');
    expect(driver.held('b')).toBe('orders/2 orders/3');
    expect(driver.group.owners.get('id-orders/2')!.ownerEpoch).toBeGreaterThan(before.ownerEpoch);
    expect(stateOf(driver.group)).toBe('stable');
  });

  test('what was let go though it was not revoked comes back in a new epoch', () => {
    const { memberEpoch, partitions } = driver.join('a');
    driver.release('a', memberEpoch, [partitions[0]!]);
    expect(driver.held('a')).toBe('orders/0 orders/1 orders/2 orders/3');
    const after = viewOf('a').partitions.find(({ partition }) => partition === 0)!;
    expect(after.ownerEpoch).toBeGreaterThan(partitions[0]!.ownerEpoch);
  });

  test('a partition is not let go in an epoch that is over', () => {
    const first = driver.join('a');
    driver.release('a', first.memberEpoch, first.partitions);
    const again = viewOf('a').partitions;
    driver.release('a', first.memberEpoch, first.partitions);
    expect(viewOf('a').partitions).toEqual(again);
  });

  test('who does not let go in time is removed', () => {
    driver.join('a', { revokeTimeoutMs: 5000, sessionTimeoutMs: 60_000 });
    driver.join('b', { sessionTimeoutMs: 60_000 });
    driver.nowMs += 4999;
    driver.apply({ kind: 'look' });
    expect(driver.held('b')).toBe('');
    driver.nowMs += 1;
    driver.apply({ kind: 'look' });
    expect(driver.held('b')).toBe('orders/0 orders/1 orders/2 orders/3');
  });
});

describe('sessions', () => {
  test('one that is over is found by whoever looks', () => {
    const { memberEpoch } = driver.join('a');
    driver.nowMs += 5000;
    const other = driver.join('b');
    driver.nowMs += 5000;
    driver.release('b', other.memberEpoch, []);
    expect(driver.held('b')).toBe('orders/0 orders/1 orders/2 orders/3');
    expect(driver.release('a', memberEpoch, [])).toEqual({ kind: 'fenced' });
    expect(driver.apply({ kind: 'leave', memberId: 'a', memberEpoch })).toEqual({ kind: 'fenced' });
  });

  test('who joins again has given up what it had, and gets it anew', () => {
    const first = driver.join('a');
    const again = driver.join('a');
    expect(again.memberEpoch).toBeGreaterThan(first.memberEpoch);
    expect(again.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
    const epochs = again.partitions.map(({ ownerEpoch }) => ownerEpoch);
    expect(Math.min(...epochs)).toBeGreaterThan(first.partitions[0]!.ownerEpoch);
  });

  test('after a time in which nobody was heard of, who comes back does not take all', () => {
    driver.join('a');
    driver.join('b');
    yieldAll('a');
    driver.nowMs += 60_000;
    driver.join('a');
    expect(driver.held('a')).toBe('orders/0 orders/1');
    expect(driver.held('b')).toBe('orders/2 orders/3');
    // A process that was not there before takes all: the others are dead, and not Redis.
    driver.nowMs += 60_000;
    driver.join('c');
    expect(driver.held('c')).toBe('orders/0 orders/1 orders/2 orders/3');
  });
});

describe('static members', () => {
  test('the same instance takes the place of the one before, at once', () => {
    driver.join('other');
    const first = driver.join('i-1', { instanceId: 'i' });
    yieldAll('other');
    const held = driver.held('i-1');
    driver.join('i-2', { instanceId: 'i' });
    expect(driver.held('i-2')).toBe(held);
    expect(driver.held('other')).toBe('orders/0 orders/1');
    const late = driver.release('i-1', first.memberEpoch, []);
    expect(late).toEqual({ kind: 'fenced' });
  });
});

describe('topics', () => {
  const pattern = { subscription: { topics: [], patterns: [{ source: 'o.*', flags: '' }] } };

  test('new topics and partitions are taken, and those that are gone are not kept', () => {
    driver.join('a', pattern);
    driver.setTopic('offers', 1);
    driver.setTopic('no offers', 1);
    driver.setTopic('orders', 5);
    driver.apply({ kind: 'look' });
    const { partitions } = viewOf('a');
    expect(partitions.filter(({ topic }) => topic === 'offers')).toHaveLength(1);
    expect(partitions).toHaveLength(6);
    driver.deleteTopic('orders');
    driver.apply({ kind: 'look' });
    expect(driver.held('a')).toBe('offers/0');
  });

  test('who is behind takes back nothing that others have seen', () => {
    driver.join('a');
    const { topicsVersion } = driver;
    driver.setTopic('orders', 6);
    driver.apply({ kind: 'look' });
    driver.topicsVersion = topicsVersion;
    driver.topics.set('id-orders', { name: 'orders', partitions: 4 });
    driver.apply({ kind: 'look' });
    expect(viewOf('a').partitions).toHaveLength(6);
  });

  test('each gets only what it subscribes to', () => {
    driver.setTopic('offers', 4);
    driver.join('a', { subscription: { topics: ['orders', 'offers'], patterns: [] } });
    driver.join('b', { subscription: { topics: ['offers'], patterns: [] } });
    yieldAll('a');
    expect(driver.held('b')).toBe('offers/0 offers/1 offers/2 offers/3');
    expect(driver.held('a')).toBe('orders/0 orders/1 orders/2 orders/3');
  });
});

test('a group that is full takes no more', () => {
  driver.membersMax = 1;
  driver.join('a');
  expect(() => driver.join('b')).toThrow('full');
  driver.join('a');
});
