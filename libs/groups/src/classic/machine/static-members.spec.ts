import { ErrorCode } from '@sluice/wire';
import { MachineDriver, offers, subscription } from '../../../test/machine-driver';
import { GroupState } from './states';

/**
 * Two static members, `a` and `b`; gives the leader's and the follower's instance and member ids.
 */
function twoStatic(driver: MachineDriver) {
  const ids = driver.stable(2, (index) => ({ instanceId: 'ab'[index]! }));
  const named = ids.map((memberId) => ({
    memberId,
    instanceId: driver.group.members.get(memberId)!.instanceId!,
  }));
  return { leader: named[0]!, follower: named[1]! };
}

describe('static members (KIP-345)', () => {
  test('join at once, without being sent for an id first', () => {
    const driver = new MachineDriver();
    const result = driver.joined(driver.join({ instanceId: 'a', requireKnownMemberId: true }))!;
    expect(result.errorCode).toBe(ErrorCode.NONE);
    expect(result.members[0]!.groupInstanceId).toBe('a');
  });

  test('a follower comes back under a new member id without a rebalance', () => {
    const driver = new MachineDriver();
    const { leader, follower } = twoStatic(driver);
    const { generationId } = driver.group;
    const assignment = driver.group.members.get(follower.memberId)!.assignment;
    const result = driver.joined(driver.join({ instanceId: follower.instanceId }))!;
    expect(result).toMatchObject({
      errorCode: 0,
      generationId,
      leader: leader.memberId,
      members: [],
    });
    expect(result.memberId).not.toBe(follower.memberId);
    expect(driver.group.state).toBe(GroupState.Stable);
    const { memberId } = result;
    const synced = driver.synced(driver.sync(memberId, { instanceId: follower.instanceId }))!;
    expect(synced).toMatchObject({ errorCode: 0, assignment });
  });

  test('the process whose place was taken is fenced in whatever it asks', () => {
    const driver = new MachineDriver();
    const { follower } = twoStatic(driver);
    const { memberId, instanceId } = follower;
    driver.join({ instanceId });
    const fenced = ErrorCode.FENCED_INSTANCE_ID;
    const { generationId } = driver.group;
    expect(driver.heartbeat(memberId, generationId, instanceId)).toBe(fenced);
    expect(driver.commit(memberId, generationId, instanceId)).toBe(fenced);
    expect(driver.synced(driver.sync(memberId, { instanceId }))!.errorCode).toBe(fenced);
    expect(driver.joined(driver.join({ memberId, instanceId }))!.errorCode).toBe(fenced);
    const left = driver.leave({ memberId, groupInstanceId: instanceId });
    expect(left.members[0]!.errorCode).toBe(fenced);
    expect(driver.heartbeat(memberId)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('a parked request of the old process is answered that it is fenced', () => {
    const driver = new MachineDriver();
    const { leader, follower } = twoStatic(driver);
    driver.join({ ...leader });
    const parked = driver.join({
      ...follower,
      protocols: offers(['range'], subscription('elsewhere')),
    });
    expect(driver.isAnswered(parked)).toBe(true);
    const ticket = driver.sync(follower.memberId, { instanceId: follower.instanceId });
    driver.join({ instanceId: follower.instanceId });
    expect(driver.synced(ticket)!.errorCode).toBe(ErrorCode.FENCED_INSTANCE_ID);
  });

  test('an instance id that nobody has is unknown', () => {
    const driver = new MachineDriver();
    const { leader } = twoStatic(driver);
    const code = driver.heartbeat(leader.memberId, driver.group.generationId, 'c');
    expect(code).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('a leader that comes back is told to skip the assignment, from v9 on', () => {
    const driver = new MachineDriver();
    const { leader } = twoStatic(driver);
    const { instanceId } = leader;
    const result = driver.joined(driver.join({ instanceId, supportsSkippingAssignment: true }))!;
    expect(result).toMatchObject({ errorCode: 0, skipAssignment: true, leader: result.memberId });
    expect(result.members).toHaveLength(2);
    expect(driver.group.state).toBe(GroupState.Stable);
  });

  test('an older client that comes back as leader is not told so, lest it assign anew', () => {
    const driver = new MachineDriver();
    const { leader } = twoStatic(driver);
    const result = driver.joined(driver.join({ instanceId: leader.instanceId }))!;
    expect(result).toMatchObject({ leader: leader.memberId, members: [], skipAssignment: false });
    expect(driver.group.leaderId).toBe(result.memberId);
  });

  test('a follower with v9 is not told to skip anything', () => {
    const driver = new MachineDriver();
    const { follower } = twoStatic(driver);
    const { instanceId } = follower;
    const result = driver.joined(driver.join({ instanceId, supportsSkippingAssignment: true }))!;
    expect(result).toMatchObject({ skipAssignment: false, members: [] });
  });

  test('coming back with other topics begins a rebalance', () => {
    const driver = new MachineDriver();
    const { follower } = twoStatic(driver);
    const protocols = offers(['range'], subscription('orders', 'returns'));
    const ticket = driver.join({ instanceId: follower.instanceId, protocols });
    expect(driver.isAnswered(ticket)).toBe(false);
    expect(driver.group.state).toBe(GroupState.PreparingRebalance);
  });

  test('coming back with the same topics and other user data does not', () => {
    const driver = new MachineDriver();
    const { follower } = twoStatic(driver);
    const metadata = Buffer.concat([subscription('orders'), Buffer.from([1, 2, 3])]);
    const protocols = offers(['range'], metadata);
    const result = driver.joined(driver.join({ instanceId: follower.instanceId, protocols }));
    expect(result?.errorCode).toBe(ErrorCode.NONE);
  });

  test('coming back while the assignment is made begins a rebalance', () => {
    const driver = new MachineDriver();
    const { leader, follower } = twoStatic(driver);
    const first = driver.join({ ...leader });
    const second = driver.join({
      ...follower,
      protocols: offers(['range'], subscription('orders', 'more')),
    });
    expect([driver.isAnswered(first), driver.isAnswered(second)]).toEqual([true, true]);
    expect(driver.group.state).toBe(GroupState.CompletingRebalance);
    const ticket = driver.join({ instanceId: follower.instanceId });
    expect(driver.isAnswered(ticket)).toBe(false);
    expect(driver.group.state).toBe(GroupState.PreparingRebalance);
  });

  test('a member that is away stays in the next generation until its session expires', () => {
    const driver = new MachineDriver();
    const { leader, follower } = twoStatic(driver);
    driver.clock.advance(4_000);
    const ticket = driver.join({ ...leader, rebalanceTimeoutMs: 5_000 });
    expect(driver.group.members.get(follower.memberId)!.rebalanceTimeoutMs).toBe(30_000);
    driver.clock.advance(6_000);
    // The follower's session of 10 s is over; only now the leader goes on alone.
    expect(driver.joined(ticket)!.members).toHaveLength(1);
  });

  test('the rebalance timeout does not remove a static member that is away', () => {
    const driver = new MachineDriver();
    const ids = driver.stable(2, (index) => ({
      instanceId: 'ab'[index]!,
      sessionTimeoutMs: 20_000,
      rebalanceTimeoutMs: 5_000,
    }));
    const instanceId = driver.group.members.get(ids[0]!)!.instanceId;
    const options = { sessionTimeoutMs: 20_000, rebalanceTimeoutMs: 5_000 };
    const ticket = driver.join({ memberId: ids[0]!, instanceId, ...options });
    driver.clock.advance(5_000);
    expect(driver.joined(ticket)!.members).toHaveLength(2);
  });

  test('a rebalance in which all static members are away waits for the first to come back', () => {
    const driver = new MachineDriver();
    const timeouts = { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 5_000 };
    driver.stable(2, (index) => ({ instanceId: 'ab'[index]!, ...timeouts }));
    const dynamic = driver.join({ ...timeouts });
    driver.leave('m4');
    expect(driver.isAnswered(dynamic)).toBe(true);
    driver.clock.advance(12_000);
    expect(driver.group.state).toBe(GroupState.PreparingRebalance);
    const ticket = driver.join({ instanceId: 'a', ...timeouts });
    driver.clock.advance(5_000);
    expect(driver.joined(ticket)!.members).toHaveLength(2);
  });

  test('an admin removes a static member by its instance id alone', () => {
    const driver = new MachineDriver();
    const { follower } = twoStatic(driver);
    const groupInstanceId = follower.instanceId;
    const result = driver.leave({ memberId: '', groupInstanceId });
    expect(result.members).toEqual([{ memberId: '', groupInstanceId, errorCode: ErrorCode.NONE }]);
    expect(driver.group.members.has(follower.memberId)).toBe(false);
    const again = driver.leave({ memberId: '', groupInstanceId });
    expect(again.members[0]!.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('a static member comes back into a full group', () => {
    const driver = new MachineDriver({ groupMembersMax: 2 });
    const { follower } = twoStatic(driver);
    const result = driver.joined(driver.join({ instanceId: follower.instanceId }));
    expect(result?.errorCode).toBe(ErrorCode.NONE);
  });
});

describe('static members that are all away', () => {
  test('are not looked for again and again, however short their rebalance timeout is', () => {
    const driver = new MachineDriver();
    const [away] = driver.stable(1, () => ({ instanceId: 'i', rebalanceTimeoutMs: 10 }));
    const joined = driver.join({ instanceId: 'other', rebalanceTimeoutMs: 10 });
    driver.clock.advance(10);
    const stepsBefore = driver.steps.length;
    // The one that is there leaves, while the other does not come back.
    const { memberId } = driver.joined(joined)!;
    driver.leave({ memberId, groupInstanceId: 'other' });
    driver.clock.advance(9_000);
    expect(driver.group.members.has(away!)).toBe(true);
    expect(driver.steps.length - stepsBefore).toBeLessThan(15);
    driver.clock.advance(2_000);
    expect(driver.group).toMatchObject({ state: GroupState.Empty });
  });
});
