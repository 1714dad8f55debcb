import { DescribeClientQuotas, ErrorCode, type RequestOf } from '@sluice/wire';
import { done, type Outcome, refuse } from '../admin-requests/outcome';
import { handle } from '../requests/handler';

type Component = RequestOf<typeof DescribeClientQuotas>['components'][number];

/** What quotas may be for. */
const entityTypes: ReadonlySet<string> = new Set(['user', 'client-id', 'ip']);

/** How a filter names the entities that it means. */
const MatchType = { EXACT: 0, DEFAULT: 1, SPECIFIED: 2 } as const;

/**
 * DescribeClientQuotas, v0–v1 (v1: flexible). There are no quotas, so none matches. Filters that
 * contradict themselves are refused, as in Kafka.
 */
export const describeClientQuotas = handle(DescribeClientQuotas, (_, { components }) => {
  const problem = filterProblem(components);
  if (problem) return { ...problem, entries: null };
  return { ...done, entries: [] };
});

function filterProblem(components: readonly Component[]): Outcome | undefined {
  const seen = new Set<string>();
  for (const component of components) {
    const problem = componentProblem(component);
    if (problem) return problem;
    const { entityType } = component;
    if (seen.has(entityType)) {
      return refuse(ErrorCode.INVALID_REQUEST, `Named more than once: entity type ${entityType}`);
    }
    seen.add(entityType);
  }
  if (seen.has('ip') && seen.size > 1) {
    const message = 'An ip cannot be asked for together with a user or a client-id';
    return refuse(ErrorCode.INVALID_REQUEST, message);
  }
  return undefined;
}

function componentProblem({ entityType, matchType, match }: Component): Outcome | undefined {
  const { INVALID_REQUEST, UNSUPPORTED_VERSION } = ErrorCode;
  if (entityType === '') return refuse(INVALID_REQUEST, 'The entity type is empty');
  if (!entityTypes.has(entityType)) {
    return refuse(UNSUPPORTED_VERSION, `There are no quotas for the entity type '${entityType}'`);
  }
  switch (matchType) {
    case MatchType.EXACT:
      return match === null ? refuse(INVALID_REQUEST, 'The name to match is null') : undefined;
    case MatchType.DEFAULT:
    case MatchType.SPECIFIED: {
      const message = 'A name goes only with an exact match';
      return match === null ? undefined : refuse(INVALID_REQUEST, message);
    }
    default:
      return refuse(INVALID_REQUEST, `Unknown match type ${matchType}`);
  }
}
