import fc from 'fast-check';
import {
  compareText,
  partitionKey,
  type Assignment,
  type AssignmentProblem,
  type AssignorName,
} from './assignor';
import { assignors, chosenAssignor } from './assignors';

const topicIds = ['a', 'b', 'c', 'd'];

interface Drawn {
  partitions: number[];
  members: { subscribed: number; held: number }[];
}

/** Members that hold any part of the partitions, of which some may be gone or not wanted. */
const drawn: fc.Arbitrary<Drawn> = fc.record({
  partitions: fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 4, maxLength: 4 }),
  members: fc.array(
    fc.record({ subscribed: fc.integer({ min: 0, max: 15 }), held: fc.nat(0xffff) }),
    { minLength: 1, maxLength: 7 },
  ),
});

function problemOf({ partitions, members }: Drawn, isAlike = false): AssignmentProblem {
  const topics = topicIds.map((topicId, at) => ({
    topicId,
    name: `topic ${topicId}`,
    partitions: partitions[at]!,
  }));
  const keys = topicIds.flatMap((topicId) =>
    Array.from({ length: 9 }, (_, partition) => partitionKey(topicId, partition)),
  );
  const current = members.map(() => new Set<string>());
  for (const [at, key] of keys.entries()) {
    // Each is held by one at most.
    const holder = members.findIndex(({ held }) => (held >> (at % 16)) % 3 === 1);
    if (holder !== -1) current[holder]!.add(key);
  }
  return {
    topics,
    members: members.map(({ subscribed }, at) => ({
      memberId: `m${at}`,
      rank: `m${at}`,
      topicIds: new Set(topicIds.filter((_, bit) => isAlike || ((subscribed >> bit) & 1) === 1)),
      current: current[at]!,
    })),
  };
}

/** Two members that subscribe to the same two topics. */
const two: AssignmentProblem = {
  topics: [
    { topicId: 'a', name: 'a', partitions: 3 },
    { topicId: 'b', name: 'b', partitions: 3 },
  ],
  members: ['m0', 'm1'].map((name) => ({
    memberId: name,
    rank: name,
    topicIds: new Set(['a', 'b']),
    current: new Set<string>(),
  })),
};

/** What an assignor gives to either of `two`. */
function shares(name: AssignorName): string[] {
  return [...assignors[name](two).values()].map((keys) => [...keys].sort().join(' '));
}

const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);

/** In an order that can be compared. */
function sorted(assignment: Assignment): [string, string[]][] {
  return [...assignment]
    .map(([memberId, keys]): [string, string[]] => [memberId, [...keys].sort()])
    .sort(([left], [right]) => compareText(left, right));
}

const names = Object.keys(assignors) as AssignorName[];

describe.each(names)('%s', (name) => {
  const assign = assignors[name];

  test('gives each partition of a topic with subscribers to one of these', () => {
    fc.assert(
      fc.property(drawn, (draw) => {
        const problem = problemOf(draw);
        const assignment = assign(problem);
        const given = [...assignment.values()].flatMap((keys) => [...keys]).sort();
        const wanted = problem.topics
          .filter(({ topicId }) => problem.members.some((one) => one.topicIds.has(topicId)))
          .flatMap(({ topicId, partitions }) =>
            Array.from({ length: partitions }, (_, at) => partitionKey(topicId, at)),
          );
        expect(given).toEqual(wanted.sort());
        for (const member of problem.members) {
          const keys = [...assignment.get(member.memberId)!];
          expect(keys.every((key) => member.topicIds.has(key.split('/')[0]!))).toBe(true);
        }
      }),
    );
  });

  test('depends on no order', () => {
    fc.assert(
      fc.property(drawn, (draw) => {
        const { topics, members } = problemOf(draw);
        const turned = { topics: topics.toReversed(), members: members.toReversed() };
        expect(sorted(assign(turned))).toEqual(sorted(assign({ topics, members })));
      }),
    );
  });
});

describe('sticky', () => {
  const assign = assignors.sticky;

  test('leaves nobody with two more than another who could take one', () => {
    fc.assert(
      fc.property(drawn, (draw) => {
        const problem = problemOf(draw);
        const assignment = assign(problem);
        for (const { memberId } of problem.members) {
          const own = assignment.get(memberId)!;
          for (const other of problem.members) {
            const hasRoom = assignment.get(other.memberId)!.size + 1 < own.size;
            if (!hasRoom) continue;
            expect([...own].filter((key) => other.topicIds.has(key.split('/')[0]!))).toEqual([]);
          }
        }
      }),
    );
  });

  test('moves no more than balance needs where all subscribe to the same', () => {
    fc.assert(
      fc.property(drawn, (draw) => {
        const problem = problemOf(draw, true);
        const assignment = assign(problem);
        const exists = new Set([...assignment.values()].flatMap((keys) => [...keys]));
        const held = problem.members
          .map(({ current }) => [...current].filter((key) => exists.has(key)).length)
          .sort((left, right) => right - left);
        const floor = Math.floor(exists.size / held.length);
        const larger = exists.size % held.length;
        // Those who have most may keep one more.
        const mayKeep = held.map((count, at) => Math.min(count, at < larger ? floor + 1 : floor));
        const kept = problem.members.map(({ memberId, current }) => {
          return [...assignment.get(memberId)!].filter((key) => current.has(key)).length;
        });
        expect(sum(kept)).toBe(sum(mayKeep));
      }),
    );
  });

  test('changes nothing where nothing has changed', () => {
    fc.assert(
      fc.property(drawn, (draw) => {
        const { topics, members } = problemOf(draw);
        const first = assign({ topics, members });
        const settled = members.map((one) => ({ ...one, current: first.get(one.memberId)! }));
        const second = assign({ topics, members: settled });
        for (const [memberId, keys] of first) expect(second.get(memberId)).toEqual(new Set(keys));
      }),
    );
  });
});

describe('the others', () => {
  test('range gives the same numbers of each topic to one member', () => {
    expect(shares('range')).toEqual(['a/0 a/1 b/0 b/1', 'a/2 b/2']);
  });

  test('round-robin goes on with the next topic where it was', () => {
    expect(shares('round-robin')).toEqual(['a/0 a/2 b/1', 'a/1 b/0 b/2']);
  });

  test('that which most members want is taken', () => {
    expect(chosenAssignor(['range', 'sticky', 'range'])).toBe('range');
    expect(chosenAssignor([])).toBe('sticky');
  });
});
