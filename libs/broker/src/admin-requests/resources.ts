import { ErrorCode } from '@sluice/wire';
import { ResourceType, resourceTypeName } from './config-codes';
import { type Outcome, refuse } from './outcome';

/** What configs belong to, as requests name it. */
export interface Resource {
  resourceType: number;
  resourceName: string;
}

/** Why a resource's configs cannot be changed, or undefined when it is a topic. */
export function notAlterable({ resourceType }: Resource): Outcome | undefined {
  if (resourceType === ResourceType.TOPIC) return undefined;
  const message =
    resourceType === ResourceType.BROKER
      ? "A broker's configs are set by environment variables or flags when it starts"
      : `Only topics have configs that can be changed, not: ${resourceTypeName(resourceType)}`;
  return refuse(ErrorCode.INVALID_REQUEST, message);
}

/** What a resource is called in messages. */
export function nameOfResource({ resourceType, resourceName }: Resource): string {
  return `${resourceTypeName(resourceType)} '${resourceName}'`;
}

/** The same for the same resource only. */
export function keyOfResource({ resourceType, resourceName }: Resource): string {
  return `${resourceType}/${resourceName}`;
}

/** The refusal of configs that appear twice for one resource, or undefined when none does. */
export function repeatedConfig(configs: readonly { name: string }[]): Outcome | undefined {
  const seen = new Set<string>();
  for (const { name } of configs) {
    if (seen.has(name)) {
      return refuse(ErrorCode.INVALID_REQUEST, `Named more than once: config '${name}'`);
    }
    seen.add(name);
  }
  return undefined;
}
