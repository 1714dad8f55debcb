import { ErrorCode } from '@sluice/wire';
import { MachineDriver, offers, subscription } from '../../../test/machine-driver';
import { GroupState } from './states';
import { emptyConsumerAssignment } from './subscription';

/** A leader and a follower that have joined and not synced; the group waits for the assignment. */
function completing(driver: MachineDriver): { leader: string; follower: string } {
  const first = driver.join();
  const second = driver.join();
  driver.join({ memberId: driver.joined(first)!.memberId });
  return { leader: 'm1', follower: driver.joined(second)!.memberId };
}

describe('syncing', () => {
  test('a follower waits for the leader, and each gets its own share', () => {
    const driver = new MachineDriver();
    const { leader, follower } = completing(driver);
    const waiting = driver.sync(follower);
    expect(driver.isAnswered(waiting)).toBe(false);
    const assignments = [
      { memberId: follower, assignment: Buffer.from('for the follower') },
      { memberId: leader, assignment: Buffer.from('for the leader') },
    ];
    const own = driver.sync(leader, { assignments });
    expect(driver.synced(own)).toEqual({
      errorCode: ErrorCode.NONE,
      protocolType: 'consumer',
      protocolName: 'range',
      assignment: Buffer.from('for the leader'),
    });
    expect(driver.synced(waiting)!.assignment).toEqual(Buffer.from('for the follower'));
    expect(driver.group.state).toBe(GroupState.Stable);
  });

  test('a follower that comes after the leader is answered at once', () => {
    const driver = new MachineDriver();
    const { leader, follower } = completing(driver);
    const assignments = [{ memberId: follower, assignment: Buffer.from('share') }];
    driver.sync(leader, { assignments });
    const late = driver.synced(driver.sync(follower))!;
    expect(late.assignment).toEqual(Buffer.from('share'));
  });

  test('what a follower sends as an assignment is not looked at', () => {
    const driver = new MachineDriver();
    const { leader, follower } = completing(driver);
    const wrong = [{ memberId: follower, assignment: Buffer.from('everything') }];
    driver.sync(follower, { assignments: wrong });
    expect(driver.group.state).toBe(GroupState.CompletingRebalance);
    const assignments = [{ memberId: follower, assignment: Buffer.from('some') }];
    driver.sync(leader, { assignments });
    expect(driver.group.members.get(follower)!.assignment).toEqual(Buffer.from('some'));
  });

  test('a consumer that was given nothing gets an assignment it can decode', () => {
    const driver = new MachineDriver();
    const { leader, follower } = completing(driver);
    const waiting = driver.sync(follower);
    const own = driver.sync(leader, {
      assignments: [{ memberId: leader, assignment: Buffer.alloc(0) }],
    });
    expect(driver.synced(waiting)!.assignment).toEqual(emptyConsumerAssignment);
    expect(driver.synced(own)!.assignment).toEqual(emptyConsumerAssignment);
  });

  test('members of another protocol type that were given nothing get no bytes', () => {
    const driver = new MachineDriver();
    driver.join({ protocolType: 'connect', protocols: offers(['x']) });
    expect(driver.synced(driver.sync('m1'))!.assignment).toHaveLength(0);
  });

  test('an assignment for somebody who is not a member is passed over', () => {
    const driver = new MachineDriver();
    driver.join();
    driver.sync('m1', { assignments: [{ memberId: 'stranger', assignment: Buffer.from('x') }] });
    expect([...driver.group.members.keys()]).toEqual(['m1']);
  });

  test('another generation, member or protocol is refused', () => {
    const driver = new MachineDriver();
    const { leader } = completing(driver);
    const code = (options: object, memberId = leader) =>
      driver.synced(driver.sync(memberId, options))!.errorCode;
    expect(code({ generationId: 1 })).toBe(ErrorCode.ILLEGAL_GENERATION);
    expect(code({}, 'who')).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect(code({ protocolType: 'connect' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(code({ protocolName: 'sticky' })).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(code({ protocolType: 'consumer', protocolName: 'range' })).toBe(ErrorCode.NONE);
  });

  test('an assignment that is too long is refused', () => {
    const driver = new MachineDriver({ memberAssignmentBytesMax: 4 });
    driver.join();
    const assignments = [{ memberId: 'm1', assignment: Buffer.alloc(5) }];
    const result = driver.synced(driver.sync('m1', { assignments }))!;
    expect(result.errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });

  test('a new rebalance answers parked syncs, and those that come then', () => {
    const driver = new MachineDriver();
    const { leader, follower } = completing(driver);
    const parked = driver.sync(follower);
    driver.join();
    expect(driver.synced(parked)!.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const late = driver.synced(driver.sync(leader))!;
    expect(late.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  test('members that do not sync within the rebalance timeout are removed', () => {
    const driver = new MachineDriver();
    const { leader, follower } = completing(driver);
    const parked = driver.sync(follower);
    // The leader is alive, but never comes with an assignment.
    for (let passedMs = 0; passedMs < 30_000; passedMs += 5_000) {
      driver.clock.advance(5_000);
      driver.heartbeat(leader);
    }
    expect(driver.synced(parked)!.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(driver.heartbeat(leader)).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const result = driver.joined(driver.join({ memberId: follower }))!;
    expect(result).toMatchObject({ leader: follower, generationId: 3 });
  });

  test('a follower that never fetches its share is removed from a stable group', () => {
    const driver = new MachineDriver();
    const { leader, follower } = completing(driver);
    driver.sync(leader);
    for (let passedMs = 0; passedMs < 30_000; passedMs += 5_000) {
      driver.clock.advance(5_000);
      driver.heartbeat(leader);
      driver.heartbeat(follower);
    }
    expect(driver.group.members.has(follower)).toBe(false);
    expect(driver.heartbeat(leader)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });

  test('a second sync of the same member takes the place of the parked one', () => {
    const driver = new MachineDriver();
    const { follower } = completing(driver);
    const first = driver.sync(follower);
    const second = driver.sync(follower);
    expect(driver.synced(first)!.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(driver.isAnswered(second)).toBe(false);
  });

  test('a join with other metadata while a sync is parked answers the sync', () => {
    const driver = new MachineDriver();
    const { follower } = completing(driver);
    const parked = driver.sync(follower);
    driver.join({ memberId: follower, protocols: offers(['range'], subscription('new')) });
    expect(driver.synced(parked)!.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
  });
});
