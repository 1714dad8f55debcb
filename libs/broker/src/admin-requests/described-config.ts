import {
  configDefinitions,
  configTypeCodes,
  type ConfigDefinition,
  type ConfigType,
  type Topic,
} from '@sluice/log';
import { ConfigSource, type ConfigSourceValue } from './config-codes';

/** Where else a config's value could come from, the one that counts first. */
export interface ConfigSynonym {
  name: string;
  value: string;
  source: ConfigSourceValue;
}

/** A config as DescribeConfigs and CreateTopics tell it. */
export interface DescribedConfig extends ConfigSynonym {
  readOnly: boolean;
  type: ConfigType;
  documentation: string;
  synonyms: ConfigSynonym[];
}

/** All configs of a topic: those that were set, and the defaults of the rest. By name. */
export function describeTopicConfigs({ configs }: Pick<Topic, 'configs'>): DescribedConfig[] {
  return configDefinitions.map((definition) => {
    const { name, type, documentation } = definition;
    const byDefault = brokerDefault(definition);
    const own = configs[name];
    const about = { name, readOnly: false, type, documentation };
    if (own === undefined) {
      const { default: value } = definition;
      return { ...about, value, source: ConfigSource.DEFAULT_CONFIG, synonyms: byDefault };
    }
    const source = ConfigSource.DYNAMIC_TOPIC_CONFIG;
    return { ...about, value: own, source, synonyms: [{ name, value: own, source }, ...byDefault] };
  });
}

/** The default that a topic's config has from its broker; none where Kafka's brokers have none. */
function brokerDefault({ brokerName: name, brokerHasDefault, ...rest }: ConfigDefinition) {
  if (name === null || !brokerHasDefault) return [];
  return [{ name, value: rest.default, source: ConfigSource.DEFAULT_CONFIG }];
}

/** What a DescribeConfigs request wants to know. */
export interface ConfigQuestion {
  /** Which configs; null asks for all, and so does an empty list, as in Kafka's `ConfigHelper`. */
  configurationKeys: readonly string[] | null;
  includeSynonyms: boolean;
  includeDocumentation: boolean;
}

/**
 * The configs that were asked for, in the fields of the response. Unknown names are left out, as in
 * Kafka.
 */
export function configsAskedFor(all: readonly DescribedConfig[], question: ConfigQuestion) {
  const { configurationKeys, includeSynonyms, includeDocumentation } = question;
  const wanted = configurationKeys?.length ? new Set(configurationKeys) : null;
  return all
    .filter(({ name }) => wanted === null || wanted.has(name))
    .map(({ name, value, readOnly, source, type, documentation, synonyms }) => ({
      name,
      value,
      readOnly,
      configSource: source,
      isSensitive: false,
      synonyms: includeSynonyms ? synonyms : [],
      configType: configTypeCodes[type],
      documentation: includeDocumentation ? documentation : null,
    }));
}
