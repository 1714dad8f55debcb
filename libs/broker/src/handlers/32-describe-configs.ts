import { topicNameProblem } from '@sluice/log';
import { DescribeConfigs, ErrorCode, type RequestOf } from '@sluice/wire';
import { describeBrokerConfigs } from '../admin-requests/broker-configs';
import { ResourceType, resourceTypeName } from '../admin-requests/config-codes';
import {
  configsAskedFor,
  type DescribedConfig,
  describeTopicConfigs,
} from '../admin-requests/described-config';
import { done, type Outcome, refuse } from '../admin-requests/outcome';
import type { Resource } from '../admin-requests/resources';
import type { BrokerServices } from '../requests/context';
import { handle } from '../requests/handler';

type Asked = RequestOf<typeof DescribeConfigs>['resources'][number];

/**
 * DescribeConfigs, v1–v4. v1: sources and synonyms. v3: types and documentation. Topics, and this
 * broker (whose configs are read-only; an empty name means the same). Not covered: broker loggers,
 * client metrics, groups.
 */
export const describeConfigs = handle(DescribeConfigs, ({ services }, request) => {
  const { includeSynonyms, includeDocumentation } = request;
  const results = request.resources.map((resource) => {
    const { resourceType, resourceName } = resource;
    const found = look(services, resource);
    if (!Array.isArray(found)) return { ...found, resourceType, resourceName, configs: [] };
    const { configurationKeys } = resource;
    const question = { configurationKeys, includeSynonyms, includeDocumentation };
    return { ...done, resourceType, resourceName, configs: configsAskedFor(found, question) };
  });
  return { results };
});

/** All configs of a resource, or why there are none. */
function look(services: BrokerServices, resource: Asked): DescribedConfig[] | Outcome {
  switch (resource.resourceType) {
    case ResourceType.TOPIC:
      return lookAtTopic(services, resource);
    case ResourceType.BROKER:
      return lookAtBroker(services, resource);
    default: {
      const what = resourceTypeName(resource.resourceType);
      const message = `Only topics and brokers can be described, not: ${what}`;
      return refuse(ErrorCode.INVALID_REQUEST, message);
    }
  }
}

function lookAtTopic({ catalog }: BrokerServices, { resourceName }: Resource) {
  const topic = catalog.byName(resourceName);
  if (topic) return describeTopicConfigs(topic);
  const problem = topicNameProblem(resourceName);
  if (problem) return refuse(ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
  return refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${resourceName}'`);
}

function lookAtBroker(services: BrokerServices, { resourceName }: Resource) {
  const id = String(services.cluster.selfId);
  if (resourceName === id || resourceName === '') return describeBrokerConfigs(services);
  const message = `This is broker ${id}, and it cannot describe broker '${resourceName}'`;
  return refuse(ErrorCode.INVALID_REQUEST, message);
}
