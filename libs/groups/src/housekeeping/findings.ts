import { attempt, type RedisLink, type Unsubscribe } from '@sluice/redis';
import { findingsChannel } from '../store/keys';

/** Groups that a round has come by, by id. */
export interface GroupFindings {
  /** They have members, or cannot be read. */
  live: string[];
  /** Nothing is left of them. */
  gone: string[];
}

type Channel = Pick<RedisLink, 'keyPrefix' | 'db'>;

/** Tells all coordinators; what does not reach them is told again by the next round. */
export async function announceFindings(redis: RedisLink, findings: GroupFindings): Promise<void> {
  if (findings.live.length + findings.gone.length === 0) return;
  const channel = channelOf(redis);
  await attempt('groups/findings', redis.write.publish(channel, JSON.stringify(findings)));
}

/** Calls the listener with each message. @returns how to take it back */
export function onFindings(
  redis: RedisLink,
  listener: (findings: GroupFindings) => void,
): Promise<Unsubscribe> {
  return redis.subscribe(channelOf(redis), (message) => {
    const findings = parse(message);
    if (findings !== null) listener(findings);
  });
}

function channelOf({ keyPrefix, db }: Channel): string {
  return findingsChannel(keyPrefix, db);
}

/** Null where it is not one, whoever has sent it. */
function parse(message: string): GroupFindings | null {
  try {
    const { live, gone } = JSON.parse(message) as GroupFindings;
    return areIds(live) && areIds(gone) ? { live, gone } : null;
  } catch {
    return null;
  }
}

function areIds(list: unknown): boolean {
  return Array.isArray(list) && list.every((id) => typeof id === 'string');
}
