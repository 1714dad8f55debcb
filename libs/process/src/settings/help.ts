import type { SettingDefinition } from './table';

const manner =
  'Each setting is a flag or an environment variable; a flag wins. Flags are written\n' +
  '--flag value or --flag=value, switches --flag or --no-flag.';

/** The settings of one app, and how it is started. */
interface HelpOf {
  definitions: readonly SettingDefinition[];
  command: string;
}

/** The text of `--help`, made from the declared settings. */
export function helpText(version: string, { definitions, command }: HelpOf): string {
  const groups = new Map<string, string[]>();
  for (const definition of definitions) {
    const entries = groups.get(definition.group) ?? [];
    groups.set(definition.group, [...entries, helpEntry(definition)]);
  }
  const sections = [...groups].map(([group, entries]) => `${group}\n${entries.join('\n')}`);
  const others =
    'Other\n  --help, -h\n      Print this.\n  --version, -v\n      Print the version.';
  const usage = `Usage: ${command} [flags]`;
  return [`Sluice ${version}: Kafka's protocol on Redis`, usage, manner, ...sections, others].join(
    '\n\n',
  );
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
