import type { SettingDefinition } from './table';

const usage = `Usage: npm start -- [flags]

Each setting is a flag or an environment variable; a flag wins. Flags are written --flag value
or --flag=value, switches --flag or --no-flag.`;

/** The text of `--help`, made from the declared settings. */
export function helpText(version: string, definitions: readonly SettingDefinition[]): string {
  const groups = new Map<string, string[]>();
  for (const definition of definitions) {
    const entries = groups.get(definition.group) ?? [];
    groups.set(definition.group, [...entries, helpEntry(definition)]);
  }
  const sections = [...groups].map(([group, entries]) => `${group}\n${entries.join('\n')}`);
  const others =
    'Other\n  --help, -h\n      Print this.\n  --version, -v\n      Print the version.';
  return [`Sluice ${version}: Kafka's protocol on Redis`, usage, ...sections, others].join('\n\n');
}

function helpEntry(definition: SettingDefinition): string {
  const { kind, choices, flag, env, about } = definition;
  const value = kind === 'boolean' ? '' : ` <${choices?.join('|') ?? kind}>`;
  const left = `  ${flag}${value}`;
  return `${left.padEnd(50)} ${env}\n      ${about}\n      Default: ${defaultOf(definition)}`;
}

function defaultOf({ defaultText, default: value }: SettingDefinition): string {
  return defaultText ?? String(value);
}
