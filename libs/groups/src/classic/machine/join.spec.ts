import { ErrorCode } from '@sluice/wire';
import { MachineDriver, offers, subscription } from '../../../test/machine-driver';
import { GroupState } from './states';

describe('joining a group', () => {
  test('the first member leads generation 1 and is told the members', () => {
    const driver = new MachineDriver();
    const result = driver.joined(driver.join())!;
    expect(result).toMatchObject({
      errorCode: ErrorCode.NONE,
      generationId: 1,
      protocolType: 'consumer',
      protocolName: 'range',
      leader: 'm1',
      memberId: 'm1',
      skipAssignment: false,
      members: [{ memberId: 'm1', groupInstanceId: null, metadata: subscription('orders') }],
    });
    expect(driver.group.state).toBe(GroupState.CompletingRebalance);
  });

  test('only the leader is told the members', () => {
    const driver = new MachineDriver({ initialRebalanceDelayMs: 100 });
    const tickets = [driver.join(), driver.join(), driver.join()];
    driver.clock.advance(300);
    const results = tickets.map((ticket) => driver.joined(ticket)!);
    expect(results.map(({ generationId }) => generationId)).toEqual([1, 1, 1]);
    expect(results.map(({ members }) => members.length)).toEqual([3, 0, 0]);
    expect(results.map(({ leader }) => leader)).toEqual(['m1', 'm1', 'm1']);
  });

  test('a new member without an id gets one first, when the client can ask again (KIP-394)', () => {
    const driver = new MachineDriver();
    const refused = driver.joined(driver.join({ requireKnownMemberId: true }))!;
    expect(refused).toMatchObject({ errorCode: ErrorCode.MEMBER_ID_REQUIRED, memberId: 'm1' });
    expect(driver.group.state).toBe(GroupState.Empty);
    const result = driver.joined(driver.join({ memberId: 'm1', requireKnownMemberId: true }))!;
    expect(result).toMatchObject({ errorCode: ErrorCode.NONE, generationId: 1, memberId: 'm1' });
    expect(driver.group.pending.size).toBe(0);
  });

  test('an id that was handed out and not used is forgotten after the session timeout', () => {
    const driver = new MachineDriver();
    driver.join({ requireKnownMemberId: true, sessionTimeoutMs: 10_000 });
    driver.clock.advance(9_999);
    expect(driver.group.pending.has('m1')).toBe(true);
    driver.clock.advance(1);
    expect(driver.group.pending.has('m1')).toBe(false);
    const late = driver.joined(driver.join({ memberId: 'm1', requireKnownMemberId: true }))!;
    expect(late.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('a rebalance waits for an id that was handed out, at most until it is forgotten', () => {
    const driver = new MachineDriver();
    const [leader] = driver.stable(2);
    driver.join({ requireKnownMemberId: true, sessionTimeoutMs: 6_000 });
    const tickets = [...driver.group.members.keys()].map((memberId) =>
      driver.join({ memberId, protocols: offers(['range'], subscription('other')) }),
    );
    expect(tickets.map((ticket) => driver.isAnswered(ticket))).toEqual([false, false]);
    driver.clock.advance(6_000);
    expect(tickets.map((ticket) => driver.joined(ticket)?.leader)).toEqual([leader, leader]);
  });

  test('an id that nobody joins with does not disturb those who have joined', () => {
    const driver = new MachineDriver();
    const [leader, follower] = driver.stable(2);
    const { generationId } = driver.group;
    driver.join({ requireKnownMemberId: true, sessionTimeoutMs: 6_000 });
    const left = driver.join({ requireKnownMemberId: true, sessionTimeoutMs: 6_000 });
    driver.leave(driver.joined(left)!.memberId);
    expect(driver.group).toMatchObject({ state: GroupState.Stable, generationId });
    driver.clock.advance(6_000);
    expect(driver.group.pending.size).toBe(0);
    expect(driver.group).toMatchObject({ state: GroupState.Stable, generationId });
    expect(driver.heartbeat(leader!)).toBe(ErrorCode.NONE);
    expect(driver.heartbeat(follower!)).toBe(ErrorCode.NONE);
  });

  test('an unknown member id is refused', () => {
    const driver = new MachineDriver();
    const empty = driver.joined(driver.join({ memberId: 'who' }))!;
    expect(empty).toMatchObject({ errorCode: ErrorCode.UNKNOWN_MEMBER_ID, memberId: 'who' });
    driver.stable(1);
    const stable = driver.joined(driver.join({ memberId: 'who' }))!;
    expect(stable.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
  });

  test('a session timeout outside 6 s to 30 min is refused', () => {
    const driver = new MachineDriver();
    const join = (sessionTimeoutMs: number) =>
      driver.joined(driver.join({ sessionTimeoutMs }))!.errorCode;
    expect(join(5_999)).toBe(ErrorCode.INVALID_SESSION_TIMEOUT);
    expect(join(30 * 60_000 + 1)).toBe(ErrorCode.INVALID_SESSION_TIMEOUT);
    expect(join(6_000)).toBe(ErrorCode.NONE);
  });

  test('a member beyond the largest size of a group is refused, one that is in it is not', () => {
    const driver = new MachineDriver({ groupMembersMax: 2 });
    const [leader] = driver.stable(2);
    const refused = driver.joined(driver.join())!;
    expect(refused.errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
    expect(driver.group.state).toBe(GroupState.Stable);
    const again = driver.join({ memberId: leader! });
    expect(driver.isAnswered(again)).toBe(false);
    const third = driver.join();
    expect(driver.isAnswered(third)).toBe(false);
    // The third took the place of the follower, which is late.
    const follower = [...driver.group.members.keys()].find((id) => id === 'm2')!;
    const late = driver.joined(driver.join({ memberId: follower }))!;
    expect(late.errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
    expect(driver.joined(third)!.errorCode).toBe(ErrorCode.NONE);
    expect(driver.group.members.size).toBe(2);
  });

  test('ids that have not joined yet are limited too', () => {
    const driver = new MachineDriver({ groupMembersMax: 1 });
    driver.join({ requireKnownMemberId: true });
    const refused = driver.joined(driver.join({ requireKnownMemberId: true }))!;
    expect(refused.errorCode).toBe(ErrorCode.GROUP_MAX_SIZE_REACHED);
  });

  test('more protocols or metadata than the limits allow are refused', () => {
    const driver = new MachineDriver({ protocolsPerMemberMax: 2, memberMetadataBytesMax: 10 });
    const join = (names: string[], bytes: number) =>
      driver.joined(driver.join({ protocols: offers(names, Buffer.alloc(bytes)) }))!.errorCode;
    expect(join(['a', 'b', 'c'], 1)).toBe(ErrorCode.INVALID_REQUEST);
    expect(join(['a', 'b'], 6)).toBe(ErrorCode.INVALID_REQUEST);
    expect(join(['a', 'b'], 5)).toBe(ErrorCode.NONE);
  });

  test('a member whose id would be too long for older clients is refused', () => {
    const driver = new MachineDriver({ memberIdBytesMax: 2 });
    expect(driver.joined(driver.join({ newMemberId: 'm12' }))!.errorCode).toBe(
      ErrorCode.INVALID_REQUEST,
    );
    expect(driver.joined(driver.join({ newMemberId: 'm2' }))!.errorCode).toBe(ErrorCode.NONE);
  });
});

describe('protocols', () => {
  test('a member of another protocol type, or with no protocol in common, is refused', () => {
    const driver = new MachineDriver();
    driver.stable(1);
    const otherType = driver.joined(driver.join({ protocolType: 'connect' }))!;
    expect(otherType.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    const otherName = driver.joined(driver.join({ protocols: offers(['sticky']) }))!;
    expect(otherName.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    expect(driver.group.state).toBe(GroupState.Stable);
  });

  test('a member without protocols, or without a protocol type, is refused', () => {
    const driver = new MachineDriver();
    const none = driver.joined(driver.join({ protocols: [] }))!;
    expect(none.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
    const noType = driver.joined(driver.join({ protocolType: '' }))!;
    expect(noType.errorCode).toBe(ErrorCode.INCONSISTENT_GROUP_PROTOCOL);
  });

  test('an empty group takes any protocol type, whatever it had before', () => {
    const driver = new MachineDriver();
    const [member] = driver.stable(1);
    driver.leave(member!);
    const result = driver.joined(
      driver.join({ protocolType: 'connect', protocols: offers(['x']) }),
    )!;
    expect(result).toMatchObject({ errorCode: ErrorCode.NONE, protocolType: 'connect' });
  });

  test('the protocol is the one that most members like best among those that all offer', () => {
    const driver = new MachineDriver({ initialRebalanceDelayMs: 100 });
    const ticket = driver.join({ protocols: offers(['only-mine', 'range', 'sticky']) });
    driver.join({ protocols: offers(['sticky', 'range']) });
    driver.join({ protocols: offers(['sticky', 'range']) });
    driver.clock.advance(300);
    expect(driver.joined(ticket)!.protocolName).toBe('sticky');
  });

  test('the leader is told the metadata of the chosen protocol', () => {
    const driver = new MachineDriver({ initialRebalanceDelayMs: 100 });
    const ticket = driver.join({
      protocols: [
        ...offers(['range'], subscription('r')),
        ...offers(['sticky'], subscription('s')),
      ],
    });
    driver.join({ protocols: offers(['sticky'], subscription('t')) });
    driver.clock.advance(300);
    const { members } = driver.joined(ticket)!;
    expect(members.map(({ metadata }) => metadata)).toEqual([subscription('s'), subscription('t')]);
  });
});

describe('joining again', () => {
  test('a follower with the same metadata gets the current generation, without a rebalance', () => {
    const driver = new MachineDriver();
    const [leader, follower] = driver.stable(2);
    const { generationId } = driver.group;
    const result = driver.joined(driver.join({ memberId: follower! }))!;
    expect(result).toMatchObject({ generationId, leader, members: [] });
    expect(driver.group.state).toBe(GroupState.Stable);
  });

  test('a follower with other metadata begins a rebalance', () => {
    const driver = new MachineDriver();
    const [, follower] = driver.stable(2);
    const protocols = offers(['range'], subscription('other'));
    const ticket = driver.join({ memberId: follower!, protocols });
    expect(driver.isAnswered(ticket)).toBe(false);
    expect(driver.group.state).toBe(GroupState.PreparingRebalance);
  });

  test('the leader begins a rebalance, also with the same metadata', () => {
    const driver = new MachineDriver();
    const [leader, follower] = driver.stable(2);
    const { generationId } = driver.group;
    const first = driver.join({ memberId: leader! });
    expect(driver.heartbeat(follower!)).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    const second = driver.join({ memberId: follower! });
    expect(driver.joined(first)!.generationId).toBe(generationId + 1);
    expect(driver.joined(second)!.generationId).toBe(generationId + 1);
  });

  test('a member that lost the answer gets it again while the assignment is made', () => {
    const driver = new MachineDriver();
    driver.join();
    const again = driver.joined(driver.join({ memberId: 'm1' }))!;
    expect(again).toMatchObject({ generationId: 1, leader: 'm1' });
    expect(again.members).toHaveLength(1);
  });

  test('a second join of the same member takes the place of the parked one', () => {
    const driver = new MachineDriver();
    const [leader] = driver.stable(2);
    const first = driver.join({ memberId: leader! });
    const second = driver.join({ memberId: leader! });
    expect(driver.joined(first)!.errorCode).toBe(ErrorCode.REBALANCE_IN_PROGRESS);
    expect(driver.isAnswered(second)).toBe(false);
  });

  test('cooperative members may rebalance again right after a rebalance', () => {
    const driver = new MachineDriver();
    const members = driver.stable(3);
    for (let round = 0; round < 3; round += 1) {
      const { generationId } = driver.group;
      const protocols = offers(['range'], subscription('orders', `round${round}`));
      const tickets = members.map((memberId) => driver.join({ memberId, protocols }));
      const results = tickets.map((ticket) => driver.joined(ticket)!);
      expect(results.map((result) => result.generationId)).toEqual(Array(3).fill(generationId + 1));
      const assignments = members.map((memberId) => ({ memberId, assignment: Buffer.from('x') }));
      const syncs = members.map((memberId) => driver.sync(memberId, { assignments }));
      expect(syncs.map((ticket) => driver.synced(ticket)!.errorCode)).toEqual([0, 0, 0]);
    }
  });
});

describe('the initial rebalance delay', () => {
  test('holds the first generation back so that members that start together share it', () => {
    const driver = new MachineDriver({ initialRebalanceDelayMs: 200 });
    const first = driver.join();
    driver.clock.advance(199);
    const second = driver.join();
    expect(driver.isAnswered(first)).toBe(false);
    driver.clock.advance(1);
    expect(driver.isAnswered(first)).toBe(false);
    driver.clock.advance(200);
    expect(driver.joined(first)!.members).toHaveLength(2);
    expect(driver.joined(second)!.generationId).toBe(1);
  });

  test('is extended while members arrive, at most to the largest rebalance timeout', () => {
    const driver = new MachineDriver({ initialRebalanceDelayMs: 200 });
    const first = driver.join({ rebalanceTimeoutMs: 1_000 });
    for (let waitedMs = 0; waitedMs < 1_000; waitedMs += 100) {
      expect(driver.isAnswered(first)).toBe(false);
      driver.clock.advance(100);
      if (waitedMs < 900) driver.join({ rebalanceTimeoutMs: 1_000 });
    }
    expect(driver.joined(first)!.members).toHaveLength(10);
  });

  test('is waited for once also where the rebalance timeout is shorter, as in Kafka', () => {
    const driver = new MachineDriver({ initialRebalanceDelayMs: 200 });
    const ticket = driver.join({ rebalanceTimeoutMs: 0 });
    driver.clock.advance(199);
    expect(driver.isAnswered(ticket)).toBe(false);
    driver.clock.advance(1);
    expect(driver.joined(ticket)!.generationId).toBe(1);
    expect(driver.group.state).toBe(GroupState.Empty);
  });

  test('ends in an empty group when everybody has left meanwhile', () => {
    const driver = new MachineDriver({ initialRebalanceDelayMs: 200 });
    const ticket = driver.join();
    driver.leave('m1');
    expect(driver.joined(ticket)!.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    driver.clock.advance(200);
    expect(driver.group.state).toBe(GroupState.Empty);
    expect(driver.timers).toEqual([]);
  });
});
