/** The ways in which partitions are shared out among the members of a group. */
export type AssignorName = 'sticky' | 'range' | 'round-robin';

/** A topic that somebody subscribes to. */
export interface AssignableTopic {
  readonly topicId: string;
  readonly name: string;
  readonly partitions: number;
}

/** A member, as assignors see it. */
export interface AssignableMember {
  readonly memberId: string;
  /** What members are ordered by: the same over restarts where the member is static. */
  readonly rank: string;
  /** Ids of the topics that it subscribes to; each is among the topics of the problem. */
  readonly topicIds: ReadonlySet<string>;
  /** The partitions of its target so far, as `partitionKey` names them. */
  readonly current: ReadonlySet<string>;
}

/** What is to be shared out, and among whom. */
export interface AssignmentProblem {
  readonly topics: readonly AssignableTopic[];
  readonly members: readonly AssignableMember[];
}

/** By member id, for every member; each partition of a topic with subscribers is in one of them. */
export type Assignment = ReadonlyMap<string, ReadonlySet<string>>;

/** A pure function: the same problem, in whatever order, always has the same assignment. */
export type Assignor = (problem: AssignmentProblem) => Assignment;

/** The name of a partition in targets and owners; also its field among the committed offsets. */
export function partitionKey(topicId: string, partition: number): string {
  return `${topicId}/${partition}`;
}

/** Members in the order of their ranks. */
export function byRank(members: readonly AssignableMember[]): AssignableMember[] {
  return [...members].sort((left, right) => compareText(left.rank, right.rank));
}

/** Topics in the order of their names. */
export function byName(topics: readonly AssignableTopic[]): AssignableTopic[] {
  return [...topics].sort((left, right) => compareText(left.name, right.name));
}

/** The order of code units, which is the same in every process, whatever its locale. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** An assignment in the making, in which nobody has anything. */
export function emptyAssignment(members: readonly AssignableMember[]): Map<string, Set<string>> {
  return new Map(members.map(({ memberId }) => [memberId, new Set<string>()]));
}
