import { IsBoolean, IsIn, IsInt, IsString, Matches, Max, Min } from 'class-validator';

export type SettingKind = 'integer' | 'text' | 'boolean';
export type SettingValue = number | string | boolean | undefined;

/**
 * All that is known of one setting: the decorators below make it, `--help` and the parsers read it.
 */
export interface SettingDefinition {
  /** Property of the settings class. */
  name: string;
  /** Environment variable: SLUICE_ and the name in capitals, unless declared otherwise. */
  env: string;
  /** Flag: `--` and the name in kebab case. */
  flag: string;
  kind: SettingKind;
  default: SettingValue;
  /** Default in words, where the value alone would not say it. */
  defaultText?: string;
  about: string;
  group: string;
  choices?: readonly string[];
  /** Its value must never be shown, in errors neither. */
  secret: boolean;
}

interface Common<T> {
  default: T;
  defaultText?: string;
  about: string;
  group: string;
  env?: string;
  secret?: boolean;
}

type Declared = Omit<Common<SettingValue>, 'secret'> &
  Pick<SettingDefinition, 'kind'> & { secret?: boolean; choices?: readonly string[] };

const definitionsOf = new Map<unknown, SettingDefinition[]>();

/** The settings that a class declares, in the order of their declaration. */
export function settingDefinitions(settingsClass: new () => object): readonly SettingDefinition[] {
  return definitionsOf.get(settingsClass) ?? [];
}

function register(target: object, name: string, declared: Declared): void {
  const definitions = definitionsOf.get(target.constructor) ?? [];
  definitionsOf.set(target.constructor, definitions);
  definitions.push({
    ...declared,
    name,
    env: declared.env ?? `SLUICE_${name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`,
    flag: `--${name.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`,
    secret: declared.secret ?? false,
  });
}

type Decorator = (target: object, name: string) => void;

/** A whole number from `min` to `max`, both included. */
export function IntegerSetting(options: Common<number> & { min: number; max: number }): Decorator {
  const { min, max, ...declared } = options;
  const message = `must be a whole number from ${min} to ${max}`;
  return (target, name) => {
    register(target, name, { ...declared, kind: 'integer' });
    for (const rule of [IsInt({ message }), Min(min, { message }), Max(max, { message })]) {
      rule(target, name);
    }
  };
}

/** A text that matches `pattern`; `rule` says in words what it must be. */
export function TextSetting(
  options: Common<string | undefined> & { pattern: RegExp; rule: string },
): Decorator {
  const { pattern, rule, ...declared } = options;
  const message = `must be ${rule}`;
  return (target, name) => {
    register(target, name, { ...declared, kind: 'text' });
    IsString({ message })(target, name);
    Matches(pattern, { message })(target, name);
  };
}

/** One of a few words. */
export function ChoiceSetting(options: Common<string> & { choices: readonly string[] }): Decorator {
  const message = `must be one of ${options.choices.join(', ')}`;
  return (target, name) => {
    register(target, name, { ...options, kind: 'text' });
    IsIn([...options.choices], { message })(target, name);
  };
}

/** true or false. */
export function BooleanSetting(options: Common<boolean>): Decorator {
  return (target, name) => {
    register(target, name, { ...options, kind: 'boolean' });
    IsBoolean({ message: 'must be true or false' })(target, name);
  };
}
