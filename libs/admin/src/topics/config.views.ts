import { ConfigSource, type ConfigSynonym, type DescribedConfig } from '@sluice/broker';
import { field } from '../http/fields';

const sources = ['DYNAMIC_TOPIC_CONFIG', 'STATIC_BROKER_CONFIG', 'DEFAULT_CONFIG'];
const sourceNames = new Map<number, string>(
  Object.entries(ConfigSource).map(([name, code]) => [code, name]),
);

/** Where else a value could come from. */
export class SynonymView {
  @field.text({ about: 'The name there.', example: 'log.cleanup.policy' })
  name: string;

  @field.text({ about: 'The value there.', example: 'delete' })
  value: string;

  @field.text({ about: "The place, in Kafka's words.", choices: sources })
  source: string;
}

/** One config. */
export class ConfigView {
  @field.text({ about: 'Its name.', example: 'cleanup.policy' })
  name: string;

  @field.text({ about: 'Its value.', example: 'delete' })
  value: string;

  @field.text({ about: "Where the value comes from, in Kafka's words.", choices: sources })
  source: string;

  @field.flag({ about: 'Whether it has its default.', example: true })
  isDefault: boolean;

  @field.flag({ about: 'Whether it can only be set at the start.', example: false })
  readOnly: boolean;

  @field.text({ about: "Kafka's type of the value.", example: 'LIST' })
  type: string;

  @field.text({ about: 'What it means, and what Sluice does with it.', example: 'Old records …' })
  documentation: string;

  @field.list({
    about: 'Where the value can come from, the one that counts first.',
    items: { kind: 'shape', shape: () => SynonymView },
  })
  synonyms: SynonymView[];
}

/** All configs of something. */
export class ConfigList {
  @field.list({ about: 'By name.', items: { kind: 'shape', shape: () => ConfigView } })
  configs: ConfigView[];
}

/** What is to be another value, and what is to have its default again. */
export class ConfigPatch {
  @field.map({
    about: 'New values by name; null gives a config its default back. Others stay as they are.',
    values: { kind: 'text', nullable: true },
    entriesMax: 100,
    example: { 'retention.ms': '3600000', 'cleanup.policy': null },
  })
  configs: Record<string, string | null>;
}

/** Configs as they are answered. */
export function configList(described: readonly DescribedConfig[]): ConfigList {
  return {
    configs: described.map(({ source, synonyms, name, value, readOnly, type, documentation }) => ({
      name,
      value,
      source: nameOf(source),
      isDefault: source === ConfigSource.DEFAULT_CONFIG,
      readOnly,
      type,
      documentation,
      synonyms: synonyms.map(synonymView),
    })),
  };
}

function synonymView({ name, value, source }: ConfigSynonym): SynonymView {
  return { name, value, source: nameOf(source) };
}

function nameOf(source: number): string {
  return sourceNames.get(source) ?? String(source);
}
