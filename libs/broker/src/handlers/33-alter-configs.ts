import { AlterConfigs, type RequestOf } from '@sluice/wire';
import { eachItem } from '../admin-requests/items';
import { done, orRefusal, type Outcome } from '../admin-requests/outcome';
import {
  keyOfResource,
  nameOfResource,
  notAlterable,
  repeatedConfig,
} from '../admin-requests/resources';
import { setTopicConfigs } from '../admin-requests/set-configs';
import type { RequestContext } from '../requests/context';
import { handle } from '../requests/handler';

type Replaced = RequestOf<typeof AlterConfigs>['resources'][number];

/**
 * AlterConfigs, v0–v2 (v2: flexible). The legacy request: it replaces all configs of a topic, so
 * that those it does not name have their defaults again. Not covered: brokers, which take their
 * configs at the start.
 */
export const alterConfigs = handle(AlterConfigs, async (context, request) => {
  const responses = await eachItem(
    context,
    {
      items: request.resources,
      keyOf: keyOfResource,
      nameOf: nameOfResource,
    },
    async (resource) => answer(resource, await replace(context, resource, request.validateOnly)),
    answer,
  );
  return { responses };
});

async function replace(
  { services }: RequestContext,
  resource: Replaced,
  validateOnly: boolean,
): Promise<Outcome> {
  const { resourceName, configs } = resource;
  const problem = notAlterable(resource) ?? repeatedConfig(configs);
  if (problem) return problem;
  const change = { replace: Object.fromEntries(configs.map(({ name, value }) => [name, value])) };
  const terms = { validateOnly };
  const outcome = await orRefusal(() => setTopicConfigs(services, resourceName, change, terms));
  return 'errorCode' in outcome ? outcome : done;
}

function answer({ resourceType, resourceName }: Replaced, outcome: Outcome) {
  return { ...outcome, resourceType, resourceName };
}
