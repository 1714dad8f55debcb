import type { ConfigChange } from '@sluice/log';
import { ErrorCode, IncrementalAlterConfigs, type RequestOf } from '@sluice/wire';
import { eachItem } from '../admin-requests/items';
import { done, orRefusal, type Outcome, refuse } from '../admin-requests/outcome';
import {
  keyOfResource,
  nameOfResource,
  notAlterable,
  repeatedConfig,
} from '../admin-requests/resources';
import { setTopicConfigs } from '../admin-requests/set-configs';
import type { RequestContext } from '../requests/context';
import { handle } from '../requests/handler';

type Altered = RequestOf<typeof IncrementalAlterConfigs>['resources'][number];

/** The operations by their numbers (KIP-339). */
const operations: readonly ConfigChange['op'][] = ['set', 'delete', 'append', 'subtract'];

/**
 * IncrementalAlterConfigs, v0–v1 (v1: flexible). All steps of a topic are made, or none. Not
 * covered: brokers, which take their configs at the start; loggers, client metrics and groups.
 */
export const incrementalAlterConfigs = handle(IncrementalAlterConfigs, async (context, request) => {
  const responses = await eachItem(
    context,
    {
      items: request.resources,
      keyOf: keyOfResource,
      nameOf: nameOfResource,
    },
    async (resource) => answer(resource, await alter(context, resource, request.validateOnly)),
    answer,
  );
  return { responses };
});

async function alter(
  { services }: RequestContext,
  resource: Altered,
  validateOnly: boolean,
): Promise<Outcome> {
  const problem = notAlterable(resource) ?? repeatedConfig(resource.configs);
  if (problem) return problem;
  const changes: ConfigChange[] = [];
  for (const { name, configOperation, value } of resource.configs) {
    const op = operations[configOperation];
    if (op === undefined) {
      const message = `Config '${name}': there is no operation ${configOperation}`;
      return refuse(ErrorCode.INVALID_REQUEST, message);
    }
    if (op !== 'delete' && value === null) {
      const message = `Config '${name}': a value is needed`;
      return refuse(ErrorCode.INVALID_REQUEST, message);
    }
    changes.push({ name, op, value });
  }
  const change = () =>
    setTopicConfigs(services, resource.resourceName, { changes }, { validateOnly });
  const outcome = await orRefusal(change);
  return 'errorCode' in outcome ? outcome : done;
}

function answer({ resourceType, resourceName }: Altered, outcome: Outcome) {
  return { ...outcome, resourceType, resourceName };
}
