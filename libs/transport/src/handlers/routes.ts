import type { MessageHandler } from '@nestjs/microservices';
import type { HandlerPolicy } from './policy';

/** A handler, and which records it is for. */
export interface Route {
  readonly pattern: string | RegExp;
  readonly group: string;
  /** Undefined: of whatever type. */
  readonly eventType: string | undefined;
  readonly isEvent: boolean;
  readonly callback: MessageHandler;
  readonly policy: HandlerPolicy;
  /** Of a handler of requests: what is done with records that ask for no answer. */
  readonly unasked: HandlerPolicy | null;
}

/** The handlers of one topic in one group, and how its records are put into lanes. */
export interface TopicPlan {
  readonly topic: string;
  readonly lanes: Pick<
    HandlerPolicy,
    'concurrency' | 'orderedBy' | 'isBatch' | 'batchSize' | 'batchWaitMs'
  >;
  /** The handlers of events by their types; undefined: of all other types. */
  readonly events: ReadonlyMap<string | undefined, Route>;
  readonly request: Route | null;
  /** The same handler, for records that ask for no answer. */
  readonly unasked: Route | null;
}

/** What stands behind the names of the topics that the transport makes itself. */
const madeTopics = '\\.(?:dlq|retry)$';

/** All handlers of a server. */
export class Routes {
  readonly #routes: Route[] = [];

  get all(): readonly Route[] {
    return this.#routes;
  }

  /** @throws Error when another handler is for the same records, or goes with this one badly */
  add(route: Route): void {
    for (const other of this.#routes) checkTogether(route, other);
    this.#routes.push(route);
  }

  /** The handlers of a topic in a group: those that name it, else of the first pattern it meets. */
  planOf(group: string, topic: string): TopicPlan | null {
    const ofGroup = this.#routes.filter((route) => route.group === group);
    const named = ofGroup.filter(({ pattern }) => pattern === topic);
    const chosen = named.length > 0 ? named : ofGroup.filter(matching(topic));
    if (chosen.length === 0) return null;
    const first = chosen[0]!;
    const routes = chosen.filter(({ pattern }) => samePattern(pattern, first.pattern));
    const events = routes.filter(({ isEvent }) => isEvent);
    const request = routes.find(({ isEvent }) => !isEvent) ?? null;
    return {
      topic,
      lanes: (events[0] ?? request)!.policy,
      events: new Map(events.map((route) => [route.eventType, route])),
      request,
      unasked: request === null ? null : { ...request, policy: request.unasked ?? request.policy },
    };
  }
}

/** A pattern for whole names that leaves out the topics that the transport makes itself. */
export function topicPattern(pattern: RegExp): RegExp {
  const flags = pattern.flags.replaceAll(/[gy]/g, '');
  return new RegExp(`^(?!.*${madeTopics})(?:${pattern.source})$`, flags);
}

function matching(topic: string): (route: Route) => boolean {
  return ({ pattern }) => typeof pattern !== 'string' && topicPattern(pattern).test(topic);
}

function samePattern(one: string | RegExp, other: string | RegExp): boolean {
  return String(one) === String(other) && typeof one === typeof other;
}

function checkTogether(route: Route, other: Route): void {
  if (route.group !== other.group || !samePattern(route.pattern, other.pattern)) return;
  const where = `of ${String(route.pattern)} in the group ${route.group}`;
  if (route.isEvent !== other.isEvent) {
    if (!route.policy.isBatch && !other.policy.isBatch) return;
    throw new Error(`a handler of batches ${where} cannot share it with one of requests`);
  }
  if (!route.isEvent || route.eventType === other.eventType) {
    const type = route.eventType === undefined ? '' : `, for the type ${route.eventType}`;
    throw new Error(
      `there are two handlers ${where}${type}; give one of them a group of its own, ` +
        `or an eventType`,
    );
  }
  const lanesOf = ({ policy }: Route) => `${policy.concurrency} ${policy.orderedBy}`;
  if (lanesOf(route) !== lanesOf(other)) {
    throw new Error(
      `the handlers ${where} share its lanes, so their concurrency and orderedBy must be the same`,
    );
  }
  if (route.policy.isBatch || other.policy.isBatch) {
    throw new Error(`a handler of batches ${where} must be the only one`);
  }
}
