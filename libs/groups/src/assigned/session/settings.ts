import { hostname } from 'node:os';
import type { Random } from '@sluice/base';
import type { GroupLimits } from '../../limits';
import { assignors } from '../assignors/assignors';
import { GroupRefused } from '../group-refused';
import type { JoinEvent } from '../machine/assigned-events';
import type { MemberSettings } from './session-api';

/** Settings with all that was missing, and how they are put into an event. */
export interface ResolvedSettings {
  groupId: string;
  heartbeatIntervalMs: number;
  join: JoinEvent;
}

/** Heartbeats that may be lost before a session is over. */
const heartbeatsPerSessionMin = 2;
const keptFlags = /[imsuv]/g;

/** @throws GroupRefused that says which setting cannot be */
export function resolveSettings(
  settings: MemberSettings,
  limits: GroupLimits,
  random: Random,
): ResolvedSettings {
  const {
    groupId,
    topics,
    instanceId = null,
    clientId = 'sluice',
    clientHost = hostname(),
    assignor = 'sticky',
    sessionTimeoutMs = limits.memberSessionTimeoutMs,
    revokeTimeoutMs = limits.revokeTimeoutMs,
  } = settings;
  const intervalMs = Math.min(limits.heartbeatIntervalMs, sessionTimeoutMs / 5);
  const { heartbeatIntervalMs = Math.max(1, Math.floor(intervalMs)) } = settings;
  const { sessionTimeoutMsMin, sessionTimeoutMsMax, subscriptionEntriesMax } = limits;
  const check = (isRight: boolean, message: string): void => {
    if (!isRight) throw new GroupRefused('settings', `${message} (group "${groupId}")`);
  };
  check(groupId !== '', 'a group has to have a name');
  check(topics.length > 0, 'a member has to name topics');
  check(topics.length <= subscriptionEntriesMax, `at most ${subscriptionEntriesMax} topics`);
  check(Object.hasOwn(assignors, assignor), `there is no assignor "${assignor}"`);
  check(
    sessionTimeoutMs >= sessionTimeoutMsMin && sessionTimeoutMs <= sessionTimeoutMsMax,
    `sessionTimeoutMs has to be ${sessionTimeoutMsMin} to ${sessionTimeoutMsMax}`,
  );
  check(
    heartbeatIntervalMs > 0 && heartbeatIntervalMs * heartbeatsPerSessionMin <= sessionTimeoutMs,
    `heartbeatIntervalMs has to fit ${heartbeatsPerSessionMin} times into sessionTimeoutMs`,
  );
  check(revokeTimeoutMs > 0, 'revokeTimeoutMs has to be more than 0');
  const memberId = `${instanceId ?? clientId}-${random.uuidV4()}`;
  check(Buffer.byteLength(memberId) <= limits.memberIdBytesMax, 'the id of the client is too long');
  const subscription = {
    topics: topics.filter((topic) => typeof topic === 'string'),
    // What the other flags do depends on the match before.
    patterns: topics.flatMap((topic) => {
      if (typeof topic === 'string') return [];
      return [{ source: topic.source, flags: topic.flags.match(keptFlags)?.join('') ?? '' }];
    }),
  };
  const times = {
    sessionTimeoutMs: Math.ceil(sessionTimeoutMs),
    revokeTimeoutMs: Math.ceil(revokeTimeoutMs),
  };
  const client = { memberId, instanceId, clientId, clientHost };
  const event = { kind: 'join', isReturn: false } as const;
  const join: JoinEvent = { ...event, ...client, subscription, assignor, ...times };
  return { groupId, heartbeatIntervalMs, join };
}
