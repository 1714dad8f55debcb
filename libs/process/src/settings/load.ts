import { projectVersion } from '../version';
import { helpText } from './help';
import { parseValue, readEnvironment, readFlags, type RawValue } from './raw-values';
import type { SettingsTable, SettingValue } from './table';

export type LoadedSettings<V> =
  | { settings: V; warnings: string[] }
  | { help: string }
  | { version: string }
  | { errors: string[] };

/**
 * Settings from the environment and the command line (`argv` without the program); flags win.
 * `errors` are sentences for people, each naming the flag or variable that is wrong.
 */
export function loadSettings<V>(
  table: SettingsTable<V>,
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
): LoadedSettings<V> {
  const { definitions } = table;
  const flags = readFlags(argv, definitions);
  if (flags.asked === 'help') return { help: helpText(projectVersion(), table) };
  if (flags.asked === 'version') return { version: projectVersion() };
  const environment = readEnvironment(env, definitions);
  const given = new Map([...environment.values, ...flags.values]);
  const values: Record<string, SettingValue> = {};
  for (const { name, kind, default: value } of definitions) {
    const raw = given.get(name);
    values[name] = raw === undefined ? value : parseValue(kind, raw.text);
  }
  const errors = [...flags.errors, ...invalid(table, values, given)];
  if (errors.length > 0) return { errors };
  return { settings: values as V, warnings: environment.warnings };
}

function invalid<V>(
  { definitions, atMost }: SettingsTable<V>,
  values: Readonly<Record<string, SettingValue>>,
  given: ReadonlyMap<string, RawValue>,
): string[] {
  return definitions.flatMap((definition) => {
    const { name, flag, secret } = definition;
    const value = values[name];
    const problems = [definition.problem(value), ...atMost.map((rule) => tooLarge(rule, name))];
    const rules = problems.filter((problem) => problem !== undefined);
    if (rules.length === 0) return [];
    const raw = given.get(name);
    const shown = secret || raw === undefined ? '' : ` is '${raw.text}', which`;
    return [`${raw?.source ?? flag}${shown} ${rules.join(', and ')}`];
  });

  function tooLarge(rule: (typeof atMost)[number], name: string): string | undefined {
    const [value, other] = [values[rule.name], values[rule.other]];
    if (rule.name !== name || typeof value !== 'number' || typeof other !== 'number') return;
    return value > other ? `must not be larger than ${rule.label}` : undefined;
  }
}
