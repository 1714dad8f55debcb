import { Body, Controller, Inject, Param, Query } from '@nestjs/common';
import { GroupOperator, resetOffsets, type ResetRequest, type ResetTarget } from '@sluice/groups';
import type { AdminParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { Problem } from '../http/problems';
import { adminLimits } from '../limits';
import { ADMIN_PARTS } from '../tokens';
import {
  GroupDetails,
  GroupPage,
  GroupsQuery,
  OffsetDeletionBody,
  ResetAnswer,
  ResetBody,
} from './group.views';

/** Consumer groups: how far they are, and where they are to go on. */
@Controller({ path: 'groups', version: '1' })
export class GroupsController {
  readonly #operator: GroupOperator;

  constructor(@Inject(ADMIN_PARTS) private readonly parts: AdminParts) {
    this.#operator = new GroupOperator(parts);
  }

  @Endpoint('GET', '', {
    role: 'read',
    summary: 'List groups',
    about: 'By id, with members and lag.',
    answers: () => GroupPage,
    problems: ['redis-unavailable'],
  })
  listGroups(@Query() query: GroupsQuery): Promise<GroupPage> {
    const { states, after, limit = adminLimits.groupsOnPage } = query;
    return this.#operator.list({ states, after, limit });
  }

  @Endpoint('GET', ':group', {
    role: 'read',
    summary: 'Describe a group',
    about: 'Its members, what they read, and how far the group is in each partition.',
    answers: () => GroupDetails,
    problems: ['unknown-group', 'unreadable-group', 'redis-unavailable'],
  })
  describeGroup(@Param('group') groupId: string): Promise<GroupDetails> {
    return this.#operator.describe(groupId);
  }

  @Endpoint('POST', ':group/offsets', {
    role: 'write',
    summary: 'Reset committed offsets',
    about:
      'Only while the group has no members, as with kafka-consumer-groups; they would ' +
      'commit over ' +
      'it. All that is named is checked before anything is written. With `dryRun` the answer is ' +
      'the same and nothing is written.',
    answers: () => ResetAnswer,
    problems: [
      'unknown-group',
      'unknown-topic',
      'group-has-members',
      'unreadable-batch',
      'redis-unavailable',
      'outcome-unknown',
    ],
  })
  async resetOffsets(
    @Param('group') groupId: string,
    @Body() body: ResetBody,
  ): Promise<ResetAnswer> {
    const { dryRun = false, create = false } = body;
    const { groups, catalog, store } = this.parts;
    const deps = { groups, catalog, store, operator: this.#operator };
    const { resetPartitionsMax: partitionsMax } = adminLimits;
    const request = { groupId, partitions: partitionsOf(body), dryRun, create, partitionsMax };
    return { groupId, dryRun, offsets: await resetOffsets(deps, request) };
  }

  @Endpoint('POST', ':group/offsets/delete', {
    role: 'write',
    summary: 'Delete committed offsets',
    about: 'Of partitions whose topic no member is subscribed to.',
    status: 204,
    problems: [
      'unknown-group',
      'unknown-topic',
      'group-has-members',
      'redis-unavailable',
      'outcome-unknown',
    ],
  })
  async deleteOffsets(
    @Param('group') groupId: string,
    @Body() { partitions }: OffsetDeletionBody,
  ): Promise<void> {
    await this.#operator.deleteOffsets(groupId, partitions);
  }

  @Endpoint('DELETE', ':group', {
    role: 'admin',
    summary: 'Delete a group',
    about: 'With its committed offsets; only while it has no members.',
    status: 204,
    problems: ['unknown-group', 'group-has-members', 'redis-unavailable', 'outcome-unknown'],
  })
  async deleteGroup(@Param('group') groupId: string): Promise<void> {
    await this.#operator.delete(groupId);
  }
}

function partitionsOf(body: ResetBody): ResetRequest['partitions'] {
  const { to, topics, partitions, offsets } = body;
  if (to === 'given') {
    if (offsets === undefined || topics !== undefined || partitions !== undefined) {
      throw wrong('offsets', 'given needs offsets, and neither topics nor partitions');
    }
    return offsets.map(({ topic, partition, offset }) => {
      return { topic, partition, target: { to: 'offset', offset } };
    });
  }
  if (offsets !== undefined) throw wrong('offsets', 'offsets are of to: given');
  const target = targetOf(body, to);
  if (partitions === undefined) return { target, topics: topics ?? null };
  if (topics !== undefined) throw wrong('topics', 'either topics or partitions');
  return partitions.map(({ topic, partition }) => ({ topic, partition, target }));
}

function targetOf(
  { offset, timestampMs, by }: ResetBody,
  to: Exclude<ResetBody['to'], 'given'>,
): ResetTarget {
  const needed = { offset, time: timestampMs, shift: by };
  const names = { offset: 'offset', time: 'timestampMs', shift: 'by' } as const;
  for (const [kind, value] of Object.entries(needed) as [keyof typeof needed, unknown][]) {
    if ((kind === to) === (value !== undefined)) continue;
    const verb = kind === to ? 'needs' : 'takes no';
    throw wrong(names[kind], `to: ${to} ${verb} ${names[kind]}`);
  }
  if (to === 'offset') return { to, offset: offset! };
  if (to === 'time') return { to, timestampMs: timestampMs! };
  return to === 'shift' ? { to, by: by! } : { to };
}

function wrong(field: string, message: string): Problem {
  const errors = [{ field, message }];
  return new Problem('invalid-request', 'Correct what `errors` names.', { errors });
}
