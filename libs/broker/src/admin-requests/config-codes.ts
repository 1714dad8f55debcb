/** Numbers of the config requests (KIP-133, KIP-226, KIP-339). */

/** What a config belongs to. */
export const ResourceType = {
  TOPIC: 2,
  BROKER: 4,
  BROKER_LOGGER: 8,
  CLIENT_METRICS: 16,
  GROUP: 32,
} as const;

/** Where a config's value comes from. */
export const ConfigSource = {
  DYNAMIC_TOPIC_CONFIG: 1,
  STATIC_BROKER_CONFIG: 4,
  DEFAULT_CONFIG: 5,
} as const;

export type ConfigSourceValue = (typeof ConfigSource)[keyof typeof ConfigSource];

/** What a resource type is called in messages. */
export function resourceTypeName(resourceType: number): string {
  const names: Record<number, string> = {
    [ResourceType.TOPIC]: 'topic',
    [ResourceType.BROKER]: 'broker',
    [ResourceType.BROKER_LOGGER]: 'broker logger',
    [ResourceType.CLIENT_METRICS]: 'client metrics',
    [ResourceType.GROUP]: 'group',
  };
  return names[resourceType] ?? `type ${resourceType}`;
}
