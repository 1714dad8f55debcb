import type { SettingDefinition } from '@sluice/process';
import { gatewaySettings } from '../../apps/gateway/src/settings';
import { workerSettings } from '../../apps/worker/src/settings';

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
  const sections = [...groups].map(([group, settings]) => section(group, settings));
  return [opening, ...sections, workerSection()].join('\n');
}

/** The worker's settings are the gateway's, but for what is left out. */
function workerSection(): string {
  const names = workerSettings.definitions.map(({ flag }) => `\`${flag}\``);
  const text =
    'A worker alone, `node dist/apps/worker/apps/worker/src/main.js`, has of these, under the ' +
    `same variables: ${names.join(', ')}. Without \`--redis-url\` it looks for Redis at ` +
    '`redis://127.0.0.1:6379`.';
  return `## Of apps/worker\n\n${text}\n`;
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
