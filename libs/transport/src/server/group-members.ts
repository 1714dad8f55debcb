import type { SeekTarget } from '@sluice/streams';
import type { Route, TopicPlan } from '../handlers/routes';
import { topicPattern, type Routes } from '../handlers/routes';
import { isTopicName } from '../decorators/topic-names';
import { deadLetterTopicOf, retryTopicOf } from '../letters/letter';

/** A member of a group that a server has to be, for some of its handlers. */
export interface MemberPlan {
  readonly group: string;
  readonly startFrom: SeekTarget;
  readonly delivery: 'at-least-once' | 'at-most-once';
  readonly topics: readonly (string | RegExp)[];
  /** The most records that its lanes can work on at once. */
  readonly recordsAtOnce: number;
  /** The topics from which it takes what is tried again, and the topics that they came from. */
  readonly retryTopics: ReadonlyMap<string, string>;
}

interface Draft extends Omit<MemberPlan, 'recordsAtOnce' | 'retryTopics' | 'topics'> {
  readonly topics: Set<string | RegExp>;
  readonly retryTopics: Map<string, string>;
  recordsAtOnce: number;
}

/**
 * The members that a server has to be: one for each group, and more where handlers of a group begin
 * or acknowledge in different ways.
 *
 * @throws Error when a pattern's records are to be tried again by a topic, or when a topic that it
 *   needs for that or for dead letters cannot be
 */
export function membersOf(routes: readonly Route[]): MemberPlan[] {
  const members = new Map<string, Draft>();
  const memberFor = (
    group: string,
    delivery: MemberPlan['delivery'],
    startFrom: SeekTarget,
  ): Draft => {
    const key = JSON.stringify([group, delivery, startFrom]);
    let member = members.get(key);
    if (member === undefined) {
      const topics = new Set<string | RegExp>();
      const retryTopics = new Map<string, string>();
      member = { group, delivery, startFrom, topics, retryTopics, recordsAtOnce: 0 };
      members.set(key, member);
    }
    return member;
  };
  for (const route of routes) {
    const { group, pattern, policy, isEvent } = route;
    checkDeadLetterTopic(route);
    const member = memberFor(group, policy.delivery, policy.startFrom);
    const { batchSize, concurrency } = policy;
    member.topics.add(typeof pattern === 'string' ? pattern : topicPattern(pattern));
    member.recordsAtOnce = Math.max(member.recordsAtOnce, batchSize * concurrency);
    if (policy.retryMode !== 'topic' || policy.attempts === 1 || !isEvent) continue;
    if (typeof pattern !== 'string') {
      throw new Error(
        `the handler of ${String(pattern)} in the group ${group} cannot have retries by a topic: ` +
          `these need a topic with a name`,
      );
    }
    // What is to be tried again is so from the start, wherever the group begins.
    const retrying = memberFor(group, 'at-least-once', 'start');
    const retryTopic = retryTopicOf(pattern, group);
    checkSideTopic(retryTopic, route, 'choose another group, or retry in place');
    retrying.topics.add(retryTopic);
    retrying.retryTopics.set(retryTopic, pattern);
    retrying.recordsAtOnce = Math.max(retrying.recordsAtOnce, batchSize * concurrency);
  }
  return [...members.values()].map((member) => ({ ...member, topics: [...member.topics] }));
}

/** Of a pattern nobody knows the topics yet. */
function checkDeadLetterTopic(route: Route): void {
  const { pattern, policy, unasked } = route;
  const { hasDeadLetters, deadLetterTopic } = unasked ?? policy;
  if (typeof pattern !== 'string' || !hasDeadLetters || deadLetterTopic !== null) return;
  checkSideTopic(deadLetterTopicOf(pattern), route, 'name one with deadLetter.topic');
}

function checkSideTopic(name: string, { pattern, group }: Route, advice: string): void {
  if (isTopicName(name)) return;
  throw new Error(
    `the handler of ${String(pattern)} in the group ${group} needs the topic ` +
      `${JSON.stringify(name)}, which no topic can be called: ${advice}`,
  );
}

/** The handlers of a topic for a member; those of a retry topic are those of its origin. */
export function planFor(member: MemberPlan, routes: Routes, topic: string): TopicPlan | null {
  const origin = member.retryTopics.get(topic) ?? topic;
  const plan = routes.planOf(member.group, origin);
  return plan === null ? null : { ...plan, topic };
}
