import { assignmentProblem, type ReplicaAssignment } from './assignments';

const on = (brokerIds: number[], ...partitions: number[]): ReplicaAssignment[] =>
  partitions.map((partitionIndex) => ({ partitionIndex, brokerIds }));

describe('manual assignments', () => {
  test('of all partitions, in any order, to this broker are fine', () => {
    expect(assignmentProblem(on([7], 2, 0, 1), [7])).toBeUndefined();
  });

  test.each([
    ['a gap', on([7], 0, 2), 'must be 0 to 1'],
    ['a negative partition', on([7], -1), 'must be 0 to 0'],
    ['a partition twice', on([7], 0, 0), 'assigned twice'],
    ['another broker', on([8], 0), 'exactly broker 7'],
    ['more than this broker', on([7, 8], 0), 'exactly broker 7'],
    ['this broker twice', on([7, 7], 0), 'exactly broker 7'],
    ['no broker', on([], 0), 'exactly broker 7'],
  ])('%s is refused', (_, assignments, message) => {
    expect(assignmentProblem(assignments, [7])).toContain(message);
  });

  test('to some of the brokers that are there, in any order of preference, are fine', () => {
    expect(assignmentProblem([...on([3, 1], 0), ...on([2], 1)], [1, 2, 3])).toBeUndefined();
  });

  test.each([
    ['a broker that is not there', [1, 4], 'there is no broker 4; those that are there: 1, 2, 3'],
    ['a broker twice', [2, 2], 'named twice'],
    ['no broker', [], 'at least one'],
  ])('among several brokers %s is refused', (_, brokerIds, message) => {
    expect(assignmentProblem(on(brokerIds, 0), [1, 2, 3])).toContain(message);
  });
});
