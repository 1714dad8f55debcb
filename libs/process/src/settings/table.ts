export type SettingKind = 'integer' | 'text' | 'boolean';
export type SettingValue = number | string | boolean | undefined;

/** What is written down of a setting; `integer`, `text` and the others below make it. */
export interface Setting<T extends SettingValue = SettingValue> {
  readonly kind: SettingKind;
  readonly default: T;
  /** Default in words, where the value alone would not say it. */
  readonly defaultText?: string;
  readonly about: string;
  /** Environment variable; without it SLUICE_ and the name in capitals. */
  readonly env?: string;
  readonly choices?: readonly string[];
  /** Its value must never be shown, in errors neither. */
  readonly secret?: boolean;
  /** What a value must be, as `must be …`; undefined when it is that. */
  readonly problem: (value: SettingValue) => string | undefined;
}

type Facts<T extends SettingValue> = Omit<Setting<T>, 'kind' | 'choices' | 'problem'>;
type TextRule = { pattern: RegExp; rule: string };

/** A whole number from `min` to `max`, both included. */
export function integer(row: Facts<number> & { min: number; max: number }): Setting<number> {
  const { min, max, ...facts } = row;
  const isOne = (value: SettingValue) =>
    Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= max;
  const rule = `must be a whole number from ${min} to ${max}`;
  return { ...facts, kind: 'integer', problem: (value) => (isOne(value) ? undefined : rule) };
}

/** A whole number, as of `integer`, that may be left out. */
export function optionalInteger(
  row: Omit<Facts<undefined>, 'default'> & { min: number; max: number },
): Setting<number | undefined> {
  const given = integer({ ...row, default: row.min });
  const problem = (value: SettingValue) => (value === undefined ? undefined : given.problem(value));
  return { ...given, default: undefined, problem };
}

/** A text that matches `pattern`; `rule` says in words what it must be. */
export function text(row: Facts<string> & TextRule): Setting<string> {
  const { pattern, rule, ...facts } = row;
  const isOne = (value: SettingValue) => typeof value === 'string' && pattern.test(value);
  const problem = (value: SettingValue) => (isOne(value) ? undefined : `must be ${rule}`);
  return { ...facts, kind: 'text', problem };
}

/**
 * A text that may be left out. `further` looks at one that matches the pattern, and says what it
 * must be when it is not.
 */
export function optionalText(
  row: Omit<Facts<undefined>, 'default'> &
    TextRule & { further?: (value: string) => string | undefined },
): Setting<string | undefined> {
  const { further, ...rest } = row;
  const given = text({ ...rest, default: '' });
  const problem = (value: SettingValue) =>
    value === undefined ? undefined : (given.problem(value) ?? further?.(String(value)));
  return { ...given, default: undefined, problem };
}

/** One of a few words. */
export function choice<const C extends readonly string[]>(
  row: Facts<C[number]> & { choices: C },
): Setting<C[number]> {
  const rule = `must be one of ${row.choices.join(', ')}`;
  const problem = (value: SettingValue) => (row.choices.includes(String(value)) ? undefined : rule);
  return { ...row, kind: 'text', problem };
}

/** true or false. */
export function onOff(row: Facts<boolean>): Setting<boolean> {
  const rule = 'must be true or false';
  const problem = (value: SettingValue) => (typeof value === 'boolean' ? undefined : rule);
  return { ...row, kind: 'boolean', problem };
}

/** Settings of one group by their names, which end in their units: `replicationTimeoutMs`. */
export type Rows = Readonly<Record<string, Setting>>;

/** The values of some settings, by name. */
export type ValuesOf<R extends Rows> = {
  [Name in keyof R]: R[Name] extends Setting<infer T> ? T : never;
};

/** All that is known of one setting: help, documents and parsers read it. */
export interface SettingDefinition extends Setting {
  readonly name: string;
  readonly env: string;
  /** Flag: `--` and the name in kebab case. */
  readonly flag: string;
  readonly group: string;
}

/** One setting's value must not be larger than another's, which `label` names for people. */
export interface AtMost<Name> {
  name: Name;
  other: Name;
  label: string;
}

/** The settings of one app. */
export interface SettingsTable<V> {
  readonly definitions: readonly SettingDefinition[];
  readonly atMost: readonly AtMost<keyof V & string>[];
  /** How the app is started, for `--help`. */
  readonly command: string;
}

/** The settings of an app: its groups in the order in which they are shown, by their headings. */
export function defineSettings<G extends Readonly<Record<string, Rows>>>(
  groups: G,
  atMost: readonly AtMost<keyof ValuesOfGroups<G> & string>[] = [],
  command = 'npm start --',
): SettingsTable<ValuesOfGroups<G>> {
  const definitions = Object.entries(groups).flatMap(([group, rows]) =>
    Object.entries(rows).map(([name, setting]) => define(name, group, setting)),
  );
  return { definitions, atMost, command };
}

type Union<T> = T extends Rows ? (rows: ValuesOf<T>) => void : never;
/** The values of all groups together. */
export type ValuesOfGroups<G extends Readonly<Record<string, Rows>>> =
  Union<G[keyof G]> extends (rows: infer All) => void ? { [Name in keyof All]: All[Name] } : never;

/** What `loadSettings` gives for a table. */
export type ValuesOfTable<T> = T extends SettingsTable<infer V> ? V : never;

function define(name: string, group: string, setting: Setting): SettingDefinition {
  return {
    ...setting,
    name,
    group,
    env: setting.env ?? `SLUICE_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`,
    flag: `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
  };
}
