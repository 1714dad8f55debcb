import { ErrorCode, ListConfigResources } from '@sluice/wire';
import { ResourceType } from '../admin-requests/config-codes';
import type { BrokerServices } from '../requests/context';
import { handle } from '../requests/handler';

const { TOPIC, BROKER, BROKER_LOGGER, CLIENT_METRICS, GROUP } = ResourceType;

/** In the order in which they are listed. */
const resourceTypes: readonly number[] = [GROUP, CLIENT_METRICS, BROKER_LOGGER, BROKER, TOPIC];

/** Until then only client metrics are meant. */
const typesVersion = 1;

/**
 * ListConfigResources, v0–v1: topics and brokers. v0 is for client metrics alone, of which
 * there are none. v1: types; without any, all are meant. Groups have no configs here, and neither
 * have loggers; unknown types are UNSUPPORTED_VERSION, as in Kafka.
 */
export const listConfigResources = handle(
  ListConfigResources,
  ({ services, apiVersion }, request) => {
    if (apiVersion < typesVersion) return { errorCode: ErrorCode.NONE, configResources: [] };
    const asked = new Set(request.resourceTypes);
    if ([...asked].some((type) => !resourceTypes.includes(type))) {
      return { errorCode: ErrorCode.UNSUPPORTED_VERSION, configResources: [] };
    }
    const listed = resourceTypes.filter((type) => asked.size === 0 || asked.has(type));
    const configResources = listed.flatMap((resourceType) =>
      namesOf(services, resourceType).map((resourceName) => ({ resourceName, resourceType })),
    );
    return { errorCode: ErrorCode.NONE, configResources };
  },
);

function namesOf({ catalog, cluster }: BrokerServices, resourceType: number): string[] {
  if (resourceType === TOPIC) return catalog.list().map(({ name }) => name);
  return resourceType === BROKER ? cluster.brokers().map(({ id }) => String(id)) : [];
}
