import type { SettingDefinition, SettingValue } from './table';
import { suggest } from './suggest';

/** A value as somebody wrote it, and where: `--port` or `SLUICE_PORT`. */
export interface RawValue {
  text: string;
  source: string;
}

export interface RawValues {
  values: Map<string, RawValue>;
  errors: string[];
  warnings: string[];
  /** `--help` and `--version` win over everything else on the line. */
  asked: 'help' | 'version' | undefined;
}

const askedBy: Readonly<Record<string, 'help' | 'version'>> = {
  '--help': 'help',
  '-h': 'help',
  '--version': 'version',
  '-v': 'version',
};

/**
 * Reads the environment; an empty variable counts as not set. Unknown SLUICE_* names are warned of.
 */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  definitions: readonly SettingDefinition[],
): Pick<RawValues, 'values' | 'warnings'> {
  const values = new Map<string, RawValue>();
  for (const { name, env: source } of definitions) {
    const text = env[source];
    if (text !== undefined && text !== '') values.set(name, { text, source });
  }
  const known = definitions.map((definition) => definition.env);
  const warnings = Object.keys(env)
    .filter((name) => name.startsWith('SLUICE_') && !known.includes(name))
    .map((name) => `${name} is not a setting of Sluice and has no effect${hint(name, known)}`);
  return { values, warnings };
}

/** Reads `--flag value`, `--flag=value`, `--flag` and `--no-flag` (booleans). A later one wins. */
export function readFlags(
  argv: readonly string[],
  definitions: readonly SettingDefinition[],
): Pick<RawValues, 'values' | 'errors' | 'asked'> {
  const values = new Map<string, RawValue>();
  const errors: string[] = [];
  let asked: RawValues['asked'];
  for (let at = 0; at < argv.length; at++) {
    const argument = argv[at]!;
    asked ??= askedBy[argument];
    if (argument in askedBy) continue;
    const { flag, negated, definition, inline } = lookUp(argument, definitions);
    if (definition === undefined) {
      errors.push(unknownFlag(argument, flag, definitions));
      // What follows is probably its value, and no mistake of its own.
      if (flag.startsWith('-') && inline === undefined && !argv[at + 1]?.startsWith('-')) at++;
    } else if (definition.kind === 'boolean') {
      const text = inline ?? (negated ? 'false' : 'true');
      values.set(definition.name, { text, source: flag });
    } else {
      const text = inline ?? argv[++at];
      if (text === undefined) errors.push(`${flag} needs a value, as in ${flag}=…`);
      else values.set(definition.name, { text, source: flag });
    }
  }
  return { values, errors, asked };
}

function lookUp(argument: string, definitions: readonly SettingDefinition[]) {
  const equals = argument.indexOf('=');
  const flag = equals === -1 ? argument : argument.slice(0, equals);
  const inline = equals === -1 ? undefined : argument.slice(equals + 1);
  const exact = definitions.find((definition) => definition.flag === flag);
  if (exact !== undefined || inline !== undefined || !flag.startsWith('--no-')) {
    return { flag, negated: false, definition: exact, inline };
  }
  const positive = `--${flag.slice('--no-'.length)}`;
  const definition = definitions.find((d) => d.flag === positive && d.kind === 'boolean');
  return { flag, negated: true, definition, inline };
}

function unknownFlag(
  argument: string,
  flag: string,
  definitions: readonly SettingDefinition[],
): string {
  if (!argument.startsWith('-')) return `'${argument}' is not a flag; see --help`;
  // Only with a value is it unknown; see `lookUp`.
  const { negated, definition } = lookUp(flag, definitions);
  if (negated && definition !== undefined) {
    return `${flag} takes no value; ${definition.flag}=true and ${definition.flag}=false do`;
  }
  const known = [...definitions.map((definition) => definition.flag), ...Object.keys(askedBy)];
  return `${flag} is not a flag of Sluice${hint(flag, known) || '; see --help'}`;
}

function hint(word: string, known: readonly string[]): string {
  const meant = suggest(word, known);
  return meant === undefined ? '' : `; did you mean ${meant}?`;
}

/**
 * Turns what was written into the setting's kind; what cannot be turned stays and fails validation.
 */
export function parseValue(kind: SettingDefinition['kind'], text: string): SettingValue {
  if (kind === 'integer' && /^-?\d{1,15}$/.test(text)) return Number(text);
  if (kind === 'boolean' && /^(true|1)$/i.test(text)) return true;
  if (kind === 'boolean' && /^(false|0)$/i.test(text)) return false;
  return text;
}
