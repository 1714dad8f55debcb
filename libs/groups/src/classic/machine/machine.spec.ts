import { ErrorCode } from '@sluice/wire';
import { MachineDriver, offers, subscription } from '../../../test/machine-driver';
import { isSubscribed } from './protocols';
import { checkTransition, GroupState } from './states';
import { readSubscribedTopics } from './subscription';

const codes = ErrorCode;

describe('heartbeats', () => {
  test('are answered by state: no error, or a rebalance is under way', () => {
    const driver = new MachineDriver();
    driver.join();
    expect(driver.heartbeat('m1')).toBe(codes.NONE);
    driver.sync('m1');
    expect(driver.heartbeat('m1')).toBe(codes.NONE);
    driver.join();
    expect(driver.heartbeat('m1')).toBe(codes.REBALANCE_IN_PROGRESS);
  });

  test('of strangers, of another generation and to an empty group are refused', () => {
    const driver = new MachineDriver();
    expect(driver.heartbeat('who', 0)).toBe(codes.UNKNOWN_MEMBER_ID);
    const [member] = driver.stable(1);
    expect(driver.heartbeat('who')).toBe(codes.UNKNOWN_MEMBER_ID);
    expect(driver.heartbeat(member!, driver.group.generationId - 1)).toBe(codes.ILLEGAL_GENERATION);
    driver.leave(member!);
    expect(driver.heartbeat(member!)).toBe(codes.UNKNOWN_MEMBER_ID);
  });

  test('do not change the group, so nothing needs to be stored', () => {
    const driver = new MachineDriver();
    const [member] = driver.stable(1);
    const before = driver.group;
    driver.heartbeat(member!);
    expect(driver.group).toBe(before);
  });
});

describe('sessions', () => {
  test('a member that is not heard of is removed, and the others are told', () => {
    const driver = new MachineDriver();
    const [leader, follower] = driver.stable(2);
    driver.clock.advance(6_000);
    expect(driver.heartbeat(follower!)).toBe(codes.NONE);
    driver.clock.advance(4_000);
    expect(driver.group.members.has(leader!)).toBe(false);
    expect(driver.heartbeat(follower!)).toBe(codes.REBALANCE_IN_PROGRESS);
    const result = driver.joined(driver.join({ memberId: follower! }))!;
    expect(result).toMatchObject({ leader: follower });
  });

  test.each(['heartbeat', 'commit', 'sync', 'join'] as const)(
    'a %s starts the session anew',
    (kind) => {
      const driver = new MachineDriver();
      const [, follower] = driver.stable(2);
      driver.clock.advance(9_000);
      if (kind === 'join') driver.join({ memberId: follower! });
      else driver[kind](follower!);
      driver.clock.advance(9_000);
      expect(driver.group.members.has(follower!)).toBe(true);
      driver.clock.advance(1_000);
      expect(driver.group.members.has(follower!)).toBe(false);
    },
  );

  test('a member parked in JoinGroup is not expired, however long the rebalance takes', () => {
    const driver = new MachineDriver();
    const slow = { sessionTimeoutMs: 60_000, rebalanceTimeoutMs: 30_000 };
    const [leader, follower] = driver.stable(2, () => slow);
    const ticket = driver.join({ memberId: leader!, sessionTimeoutMs: 6_000 });
    driver.clock.advance(29_999);
    expect(driver.isAnswered(ticket)).toBe(false);
    driver.clock.advance(1);
    expect(driver.joined(ticket)).toMatchObject({ errorCode: codes.NONE, leader });
    expect(driver.group.members.has(follower!)).toBe(false);
  });

  test('a new member parked in JoinGroup is given up after five minutes (KAFKA-7610)', () => {
    const driver = new MachineDriver();
    const patient = { sessionTimeoutMs: 1_800_000, rebalanceTimeoutMs: 1_200_000 };
    driver.stable(1, () => patient);
    const ticket = driver.join(patient);
    driver.clock.advance(299_999);
    expect(driver.isAnswered(ticket)).toBe(false);
    driver.clock.advance(1);
    expect(driver.joined(ticket)!.errorCode).toBe(codes.UNKNOWN_MEMBER_ID);
    expect(driver.group.members.size).toBe(1);
  });

  test('the last member that is removed leaves an empty group with a higher generation', () => {
    const driver = new MachineDriver();
    driver.stable(1);
    const { generationId } = driver.group;
    driver.clock.advance(10_000);
    expect(driver.group).toMatchObject({
      state: GroupState.Empty,
      generationId: generationId + 1,
      leaderId: null,
      protocolName: null,
    });
    expect(driver.timers).toEqual([]);
  });
});

describe('a rebalance', () => {
  test('goes on without the members that did not join within the largest rebalance timeout', () => {
    const driver = new MachineDriver();
    const [leader, follower] = driver.stable(2, (index) => ({
      sessionTimeoutMs: 60_000,
      rebalanceTimeoutMs: 10_000 + index * 5_000,
    }));
    const ticket = driver.join({
      memberId: leader!,
      sessionTimeoutMs: 60_000,
      rebalanceTimeoutMs: 1,
    });
    driver.clock.advance(14_999);
    expect(driver.isAnswered(ticket)).toBe(false);
    driver.clock.advance(1);
    expect(driver.joined(ticket)!.members).toHaveLength(1);
    expect(driver.heartbeat(follower!)).toBe(codes.UNKNOWN_MEMBER_ID);
  });

  test('chooses another leader when the old one does not join', () => {
    const driver = new MachineDriver();
    const [leader, second, third] = driver.stable(3);
    driver.leave(leader!);
    const tickets = [second, third].map((memberId) => driver.join({ memberId: memberId! }));
    const results = tickets.map((ticket) => driver.joined(ticket)!);
    expect(results[0]!.leader).toBe(results[1]!.leader);
    expect([second, third]).toContain(results[0]!.leader);
    expect(results.filter(({ members }) => members.length === 2)).toHaveLength(1);
  });

  test('chained rebalances of three members never lose one', () => {
    const driver = new MachineDriver();
    const members = driver.stable(3);
    const extra = driver.join();
    // The first two are back in the next generation before the third has noticed anything.
    driver.join({ memberId: members[0]! });
    driver.join({ memberId: members[1]! });
    expect(driver.heartbeat(members[2]!)).toBe(codes.REBALANCE_IN_PROGRESS);
    driver.join({ memberId: members[2]! });
    expect(driver.joined(extra)!.errorCode).toBe(codes.NONE);
    driver.leave(driver.joined(extra)!.memberId);
    const tickets = members.map((memberId) => driver.join({ memberId }));
    expect(tickets.map((ticket) => driver.joined(ticket)?.errorCode)).toEqual([0, 0, 0]);
  });
});

describe('leaving', () => {
  test('answers each member of the request on its own and causes one rebalance', () => {
    const driver = new MachineDriver();
    const [leader, second, third] = driver.stable(3);
    const result = driver.leave(second!, 'who', third!);
    expect(result.errorCode).toBe(codes.NONE);
    expect(result.members.map(({ errorCode }) => errorCode)).toEqual([
      0,
      codes.UNKNOWN_MEMBER_ID,
      0,
    ]);
    expect([...driver.group.members.keys()]).toEqual([leader]);
    expect(driver.group.state).toBe(GroupState.PreparingRebalance);
  });

  test('lets a rebalance end that only waited for the member', () => {
    const driver = new MachineDriver();
    const [leader, follower] = driver.stable(2);
    const ticket = driver.join({ memberId: leader! });
    driver.leave(follower!);
    expect(driver.joined(ticket)!.members).toHaveLength(1);
  });

  test('gives back an id that was handed out', () => {
    const driver = new MachineDriver();
    driver.join({ requireKnownMemberId: true });
    expect(driver.leave('m1').members[0]!.errorCode).toBe(codes.NONE);
    expect(driver.group.pending.size).toBe(0);
    expect(driver.timers).toEqual([]);
  });

  test('a group that does not exist knows nobody', () => {
    const driver = new MachineDriver();
    expect(driver.leave('m1').members[0]!.errorCode).toBe(codes.UNKNOWN_MEMBER_ID);
  });
});

describe('commits', () => {
  test('of members are accepted in their generation only', () => {
    const driver = new MachineDriver();
    const [member] = driver.stable(1);
    const { generationId } = driver.group;
    expect(driver.commit(member!)).toBe(codes.NONE);
    expect(driver.commit(member!, generationId - 1)).toBe(codes.ILLEGAL_GENERATION);
    expect(driver.commit('who')).toBe(codes.UNKNOWN_MEMBER_ID);
  });

  test('are accepted before the next generation begins, not while its assignment is made', () => {
    const driver = new MachineDriver();
    const [leader, follower] = driver.stable(2);
    driver.join({ memberId: leader! });
    expect(driver.commit(follower!)).toBe(codes.NONE);
    const old = driver.group.generationId;
    driver.join({ memberId: follower! });
    expect(driver.commit(follower!)).toBe(codes.REBALANCE_IN_PROGRESS);
    expect(driver.commit(follower!, old)).toBe(codes.ILLEGAL_GENERATION);
  });

  test('without member and generation are for groups that have no members', () => {
    const driver = new MachineDriver();
    expect(driver.commit('', -1)).toBe(codes.NONE);
    const [member] = driver.stable(1);
    expect(driver.commit('', -1)).toBe(codes.UNKNOWN_MEMBER_ID);
    driver.leave(member!);
    expect(driver.commit('', -1)).toBe(codes.NONE);
    expect(driver.commit(member!, 1)).toBe(codes.UNKNOWN_MEMBER_ID);
  });

  test('without a generation may name a member where there is none, and only there', () => {
    const driver = new MachineDriver();
    expect(driver.commit('', -1, 'worker-1')).toBe(codes.NONE);
    expect(driver.commit('who', -1)).toBe(codes.NONE);
    const [member] = driver.stable(1);
    expect(driver.commit('', -1, 'worker-1')).toBe(codes.UNKNOWN_MEMBER_ID);
    expect(driver.commit('who', -1)).toBe(codes.UNKNOWN_MEMBER_ID);
    expect(driver.commit(member!, -1)).toBe(codes.ILLEGAL_GENERATION);
  });
});

describe('deleting a group', () => {
  test('is refused while it has members, and leaves a dead group otherwise', () => {
    const driver = new MachineDriver();
    const [member] = driver.stable(1);
    expect(driver.delete()).toBe(codes.NON_EMPTY_GROUP);
    driver.leave(member!);
    driver.join({ requireKnownMemberId: true });
    expect(driver.delete()).toBe(codes.NONE);
    expect(driver.group.state).toBe(GroupState.Dead);
    expect(driver.timers).toEqual([]);
  });

  test('a dead group answers everything that the coordinator is not available', () => {
    const driver = new MachineDriver();
    driver.delete();
    const dead = codes.COORDINATOR_NOT_AVAILABLE;
    expect(driver.joined(driver.join())!.errorCode).toBe(dead);
    expect(driver.synced(driver.sync('m'))!.errorCode).toBe(dead);
    expect(driver.heartbeat('m')).toBe(dead);
    expect(driver.commit('', -1)).toBe(dead);
    expect(driver.leave('m').errorCode).toBe(dead);
    expect(driver.delete()).toBe(codes.GROUP_ID_NOT_FOUND);
  });
});

describe('states', () => {
  test('only the documented transitions are possible', () => {
    const states = Object.values(GroupState);
    const allowed = states.flatMap((from) =>
      states
        .filter((to) => {
          try {
            checkTransition(from, to);
            return true;
          } catch {
            return false;
          }
        })
        .map((to) => `${from} → ${to}`),
    );
    expect(allowed.sort()).toEqual([
      'completing-rebalance → preparing-rebalance',
      'completing-rebalance → stable',
      'empty → dead',
      'empty → preparing-rebalance',
      'preparing-rebalance → completing-rebalance',
      'preparing-rebalance → empty',
      'stable → preparing-rebalance',
    ]);
  });
});

describe('subscriptions', () => {
  test('topics are read whatever follows them', () => {
    expect(readSubscribedTopics(subscription('a', 'bc'))).toEqual(['a', 'bc']);
    expect(readSubscribedTopics(subscription())).toEqual([]);
  });

  test('bytes that are not a subscription are refused without reading past them', () => {
    const whole = subscription('orders');
    const cut = Array.from({ length: 13 }, (_, length) => whole.subarray(0, length));
    for (const bytes of cut) expect(readSubscribedTopics(bytes)).toBeNull();
    const hugeCount = Buffer.from([0, 0, 0x7f, 0xff, 0xff, 0xff, 0, 0]);
    expect(readSubscribedTopics(hugeCount)).toBeNull();
    const negative = Buffer.from([0, 0, 0, 0, 0, 1, 0xff, 0xff]);
    expect(readSubscribedTopics(negative)).toBeNull();
    expect(readSubscribedTopics(Buffer.from([0x80, 0, 0, 0, 0, 0]))).toBeNull();
  });

  test('a topic is subscribed when any member names it, or one cannot be read', () => {
    const driver = new MachineDriver();
    driver.stable(2, (index) => ({ protocols: offers(['range'], subscription(`t${index}`)) }));
    expect(['t0', 't1', 't2'].map((topic) => isSubscribed(driver.group, topic))).toEqual([
      true,
      true,
      false,
    ]);
    driver.join({ protocols: offers(['range'], Buffer.from('?')) });
    expect(isSubscribed(driver.group, 't2')).toBe(true);
  });
});

describe('a group read from the store', () => {
  test('starts all sessions in full and keeps members, generation and assignments', () => {
    const driver = new MachineDriver();
    const [leader, follower] = driver.stable(2);
    driver.clock.advance(9_000);
    const stored = driver.group;
    driver.restart(stored);
    expect(driver.group).toEqual(stored);
    driver.clock.advance(9_999);
    expect(driver.heartbeat(leader!)).toBe(codes.NONE);
    driver.clock.advance(1);
    expect(driver.group.members.has(follower!)).toBe(false);
  });

  test('a rebalance that was under way ends with those who join again', () => {
    const driver = new MachineDriver();
    const [leader, follower] = driver.stable(2);
    driver.join({ memberId: leader! });
    driver.restart(unparked(driver));
    expect(driver.heartbeat(follower!)).toBe(codes.REBALANCE_IN_PROGRESS);
    const ticket = driver.join({ memberId: follower! });
    driver.clock.advance(30_000);
    expect(driver.joined(ticket)).toMatchObject({ errorCode: 0, leader: follower });
  });

  test('an assignment that was awaited ends with those who sync again', () => {
    const driver = new MachineDriver();
    const [leader, follower] = driver.stable(2);
    driver.join({ memberId: leader! });
    driver.join({ memberId: follower! });
    driver.restart(unparked(driver));
    const waiting = driver.sync(follower!);
    driver.sync(leader!);
    expect(driver.synced(waiting)!.errorCode).toBe(codes.NONE);
  });

  test('ids that were handed out are still good, for a session', () => {
    const driver = new MachineDriver();
    driver.join({ requireKnownMemberId: true });
    driver.restart(driver.group);
    const result = driver.joined(driver.join({ memberId: 'm1' }))!;
    expect(result.errorCode).toBe(codes.NONE);
  });
});

/** The group as the store would give it back: nothing parked. */
function unparked(driver: MachineDriver) {
  const members = [...driver.group.members.values()].map(
    (member) =>
      [
        member.memberId,
        { ...member, joinTicket: null, syncTicket: null, isNew: false, owesSync: false },
      ] as const,
  );
  return { ...driver.group, members: new Map(members), initialDelay: null };
}
