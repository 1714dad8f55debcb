import type { SettingDefinition } from '@sluice/process';
import { gatewaySettings } from '../../apps/gateway/src/settings';

const opening = `# Settings

<!-- Generated from apps/gateway/src/settings.ts by \`npm run docs\`. Do not edit. -->

Each setting is an environment variable or a flag of \`npm start\`; the flag wins. Flags are
written \`--flag value\` or \`--flag=value\`, switches \`--flag\` or \`--no-flag\`. An empty
variable counts as not set. Values are checked at the start: a wrong one ends it with a sentence
that names the flag or the variable. \`npm start -- --help\` prints the same list.
`;

/** The whole text of docs/settings.md, made from the settings that the gateway declares. */
export function settingsMarkdown(): string {
  const groups = new Map<string, SettingDefinition[]>();
  for (const definition of gatewaySettings.definitions) {
    groups.set(definition.group, [...(groups.get(definition.group) ?? []), definition]);
  }
  return [opening, ...[...groups].map(([group, settings]) => section(group, settings))].join('\n');
}

function section(group: string, settings: SettingDefinition[]): string {
  const head = ['| Flag | Variable | Default | What it is |', '| --- | --- | --- | --- |'];
  return [`## ${group}\n`, ...head, ...settings.map(row), ''].join('\n');
}

function row(definition: SettingDefinition): string {
  const { flag, env, about, choices } = definition;
  const allowed = choices === undefined ? '' : ` One of ${choices.join(', ')}.`;
  const cells = [`\`${flag}\``, `\`${env}\``, defaultOf(definition), `${about}${allowed}`];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function defaultOf({ default: value, defaultText }: SettingDefinition): string {
  return defaultText ?? `\`${String(value)}\``;
}
