import { field } from '../http/fields';
import { adminLimits } from '../limits';

const group = { about: "The group's id.", example: 'billing' } as const;
const topic = { about: 'The topic.', example: 'orders' } as const;
const partition = { about: 'The partition.', example: 0 } as const;
const states = [
  'Empty',
  'PreparingRebalance',
  'CompletingRebalance',
  'Reconciling',
  'Stable',
  'Dead',
  'Unknown',
];
const state = {
  about: 'Its state. Unknown: what is stored of it cannot be read.',
  choices: states,
  example: 'Stable',
};

/** Which groups are asked for. */
export class GroupsQuery {
  @field.whole({
    about: 'How many groups, at most.',
    min: 1,
    max: adminLimits.groupsOnPageMax,
    optional: true,
    example: 50,
  })
  limit?: number;

  @field.text({
    about: 'Only groups behind this id: `next` of the page before.',
    charsMax: 32_767,
    optional: true,
    example: 'billing',
  })
  after?: string;

  @field.list({
    about: 'Only groups in one of these states.',
    items: { kind: 'text', choices: states },
    itemsMax: states.length,
    optional: true,
    example: ['Stable', 'Empty'],
  })
  states?: string[];
}

/** A group in a list. */
export class GroupSummaryView {
  @field.text(group)
  groupId: string;

  @field.text(state)
  state: string;

  @field.text({ about: 'consumer, for groups of consumers.', example: 'consumer' })
  protocolType: string;

  @field.whole({ about: 'How many members it has.', nullable: true, example: 2 })
  members: number | null;

  @field.whole({ about: 'Records that it has not read, of all it reads.', nullable: true })
  lag: number | null;
}

/** One page of groups. */
export class GroupPage {
  @field.list({ about: 'By id.', items: { kind: 'shape', shape: () => GroupSummaryView } })
  groups: GroupSummaryView[];

  @field.text({ about: '`after` of the next page; null: there is none.', nullable: true })
  next: string | null;
}

/** A partition that a member reads. */
export class AssignedView {
  @field.text(topic)
  topic: string;

  @field.whole(partition)
  partition: number;
}

/** A member of a group. */
export class MemberView {
  @field.text({ about: 'Its id, which the group gave it.', example: 'app-1-3f…' })
  memberId: string;

  @field.text({ about: 'The id of a static member.', nullable: true, example: null })
  groupInstanceId: string | null;

  @field.text({ about: 'What its client calls itself.', example: 'app-1' })
  clientId: string;

  @field.text({ about: 'Where it comes from.', example: '/10.0.0.7' })
  clientHost: string;

  @field.list({
    about: 'What it reads; null where that cannot be told.',
    nullable: true,
    items: { kind: 'shape', shape: () => AssignedView },
  })
  partitions: AssignedView[] | null;
}

/** How far a group is in one partition. */
export class PartitionLagView {
  @field.text(topic)
  topic: string;

  @field.whole(partition)
  partition: number;

  @field.whole({ about: 'The next offset that it reads.', example: 90 })
  committedOffset: number;

  @field.text({ about: 'What the client has committed beside it.', example: '' })
  metadata: string;

  @field.whole({ about: 'The first offset that is in the log.', example: 0 })
  logStartOffset: number;

  @field.whole({ about: 'The offset of the next record.', example: 100 })
  logEndOffset: number;

  @field.whole({ about: 'Records that it has not read and that are there.', example: 10 })
  lag: number;
}

/** A group. */
export class GroupDetails {
  @field.text(group)
  groupId: string;

  @field.text(state)
  state: string;

  @field.text({ about: 'consumer, for groups of consumers.', example: 'consumer' })
  protocolType: string;

  @field.text({ about: 'The assignor that was chosen.', example: 'RoundRobinAssigner' })
  protocol: string;

  @field.list({ about: 'Who reads.', items: { kind: 'shape', shape: () => MemberView } })
  members: MemberView[];

  @field.list({
    about: 'How far it is, by topic and partition.',
    items: { kind: 'shape', shape: () => PartitionLagView },
  })
  offsets: PartitionLagView[];

  @field.whole({ about: 'Of all partitions together.', example: 10 })
  lag: number;
}

/** A partition, and the offset that it is set to. */
export class OffsetOfPartition {
  @field.text({ ...topic, charsMax: 249 })
  topic: string;

  @field.whole({ ...partition, min: 0 })
  partition: number;

  @field.whole({ about: 'The offset.', min: 0, example: 50 })
  offset: number;
}

/** Where offsets are to be set. */
export class ResetBody {
  @field.text({
    about:
      'start and end of the log; offset (with `offset`); time (with `timestampMs`: the first ' +
      'record of that time or later); shift (with `by`, back where negative); given (with ' +
      '`offsets`). What lies outside the log becomes the nearest offset in it.',
    choices: ['start', 'end', 'offset', 'time', 'shift', 'given'],
    example: 'time',
  })
  to: 'start' | 'end' | 'offset' | 'time' | 'shift' | 'given';

  @field.whole({ about: 'Of `offset`.', min: 0, optional: true, example: 50 })
  offset?: number;

  @field.whole({ about: 'Of `time`.', min: 0, optional: true, example: 1_795_700_000_000 })
  timestampMs?: number;

  @field.whole({ about: 'Of `shift`.', optional: true, example: -10 })
  by?: number;

  @field.list({
    about: 'Of `given`.',
    items: { kind: 'shape', shape: () => OffsetOfPartition },
    itemsMax: adminLimits.resetPartitionsMax,
    optional: true,
  })
  offsets?: OffsetOfPartition[];

  @field.list({
    about:
      'All partitions of these topics. Without them and `partitions`, every partition for which ' +
      'the group has committed.',
    items: { kind: 'text', charsMax: 249 },
    itemsMax: adminLimits.resetTopicsMax,
    optional: true,
    example: ['orders'],
  })
  topics?: string[];

  @field.list({
    about: 'Just these partitions.',
    items: { kind: 'shape', shape: () => PartitionOfTopic },
    itemsMax: adminLimits.resetPartitionsMax,
    optional: true,
  })
  partitions?: PartitionOfTopic[];

  @field.flag({ about: 'Only says what would be.', optional: true, example: true })
  dryRun?: boolean;

  @field.flag({ about: 'Makes the group where it does not exist.', optional: true })
  create?: boolean;
}

/** A partition. */
export class PartitionOfTopic {
  @field.text({ ...topic, charsMax: 249 })
  topic: string;

  @field.whole({ ...partition, min: 0 })
  partition: number;
}

/** What a reset does to one partition. */
export class ResetView {
  @field.text(topic)
  topic: string;

  @field.whole(partition)
  partition: number;

  @field.whole({ about: 'Null: nothing was committed.', nullable: true, example: 90 })
  before: number | null;

  @field.whole({ about: 'The offset that is committed now.', example: 0 })
  after: number;

  @field.flag({ about: 'What was asked for lies outside the log.', example: false })
  clamped: boolean;
}

/** What a reset does, or would do. */
export class ResetAnswer {
  @field.text(group)
  groupId: string;

  @field.flag({ about: 'Nothing was changed.', example: true })
  dryRun: boolean;

  @field.list({ about: 'By partition.', items: { kind: 'shape', shape: () => ResetView } })
  offsets: ResetView[];
}

/** Which committed offsets are to be deleted. */
export class OffsetDeletionBody {
  @field.list({
    about: 'The partitions.',
    items: { kind: 'shape', shape: () => PartitionOfTopic },
    itemsMax: adminLimits.resetPartitionsMax,
  })
  partitions: PartitionOfTopic[];
}
