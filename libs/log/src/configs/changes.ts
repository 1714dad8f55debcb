import { configDefinition, configDefinitions, removedConfigs } from './definitions';
import type { ConfigDefinition } from './definitions';
import { configValueCharsMax, listItems } from './values';

/** A topic's own configs: those that were set, in their stored form. */
export type ConfigValues = Readonly<Record<string, string>>;

/** One step of IncrementalAlterConfigs (KIP-339). */
export interface ConfigChange {
  name: string;
  op: 'set' | 'delete' | 'append' | 'subtract';
  /** Text for set, append and subtract; ignored by delete. */
  value?: string | null;
}

/** Either a topic's new configs, or why they were refused, naming the config. */
export type CheckedConfigs = { ok: Record<string, string> } | { problem: string };

/**
 * Checks configs as a client sent them: every name known, every value in range, and the values
 * possible together. Gives them back in their stored form, sorted by name.
 */
export function checkConfigs(configs: Readonly<Record<string, string | null>>): CheckedConfigs {
  const ok: Record<string, string> = {};
  for (const name of Object.keys(configs).sort()) {
    const definition = configDefinition(name);
    if (!definition) return { problem: unknownConfig(name) };
    const checked = checkValue(definition, configs[name]);
    if ('problem' in checked) return checked;
    ok[name] = checked.ok;
  }
  const problem = conflictIn(ok);
  return problem === undefined ? { ok } : { problem };
}

/**
 * Applies steps in their order to a topic's configs and checks the outcome. Appending what a list
 * already holds and subtracting what it lacks change nothing, so running the same steps twice is
 * the same as running them once. A list that was never set starts from its default, as in Kafka.
 */
export function changeConfigs(current: ConfigValues, changes: ConfigChange[]): CheckedConfigs {
  const next: Record<string, string> = { ...current };
  const seen = new Set<string>();
  for (const change of changes) {
    if (seen.has(change.name)) return { problem: `${change.name}: named more than once` };
    seen.add(change.name);
    const problem = applyChange(next, change);
    if (problem !== undefined) return { problem };
  }
  return checkConfigs(next);
}

function applyChange(next: Record<string, string>, change: ConfigChange): string | undefined {
  const { name, op } = change;
  const definition = configDefinition(name);
  if (!definition) {
    // A config that an older version stored may still be taken away.
    if (op !== 'delete' || !Object.hasOwn(next, name)) return unknownConfig(name);
  }
  if (op === 'delete') {
    delete next[name];
    return undefined;
  }
  const { value } = change;
  if (typeof value !== 'string') return `${name}: a value is needed`;
  if (op === 'set') {
    next[name] = value;
    return undefined;
  }
  if (definition!.type !== 'LIST') return `${name}: is not a list, so it cannot be ${op}ed`;
  const items = listItems(next[name] ?? definition!.default);
  const given = listItems(value);
  next[name] = (
    op === 'append'
      ? [...items, ...given.filter((item) => !items.includes(item))]
      : items.filter((item) => !given.includes(item))
  ).join(',');
  return undefined;
}

function checkValue(definition: ConfigDefinition, value: string | null | undefined) {
  const { name } = definition;
  if (typeof value !== 'string') return { problem: `${name}: a value is needed` };
  if (value.length > configValueCharsMax) {
    return { problem: `${name}: must not be longer than ${configValueCharsMax} characters` };
  }
  const parsed = definition.parse(value.trim());
  if ('ok' in parsed) return parsed;
  const shown = value.length > 40 ? `${value.slice(0, 40)}…` : value;
  return { problem: `${name}: ${parsed.problem}, not '${shown}'` };
}

/** Values that are fine one by one but not together. */
function conflictIn(configs: Record<string, string>): string | undefined {
  const lowest = configs['min.compaction.lag.ms'] ?? defaultOf('min.compaction.lag.ms');
  const highest = configs['max.compaction.lag.ms'] ?? defaultOf('max.compaction.lag.ms');
  if (BigInt(lowest) <= BigInt(highest)) return undefined;
  return `min.compaction.lag.ms: must not exceed max.compaction.lag.ms (${highest})`;
}

/** Default of a config that is known to exist. */
export function defaultOf(name: string): string {
  return configDefinition(name)!.default;
}

function unknownConfig(name: string): string {
  const removed = removedConfigs.get(name);
  if (removed !== undefined) return `${name}: ${removed}`;
  const shown =
    name.length > configNameCharsShown ? `${name.slice(0, configNameCharsShown)}…` : name;
  const closest = closestConfig(name);
  return `${shown}: is not a topic config${closest ? `; did you mean ${closest}?` : ''}`;
}

/** Names longer than this are shortened in messages and not compared with the known ones. */
const configNameCharsShown = 80;

function closestConfig(name: string): string | undefined {
  if (name.length > configNameCharsShown) return undefined;
  let best: string | undefined;
  // More than half of the name wrong is no likeness.
  let bestDistance = Math.floor(name.length / 2) + 1;
  for (const definition of configDefinitions) {
    const distance = editDistance(name.toLowerCase(), definition.name);
    if (distance < bestDistance) {
      best = definition.name;
      bestDistance = distance;
    }
  }
  return best;
}

/**
 * Levenshtein distance: single-character insertions, deletions and replacements between two words.
 */
function editDistance(source: string, target: string): number {
  let previous = Array.from({ length: target.length + 1 }, (_, column) => column);
  for (let row = 1; row <= source.length; row++) {
    const current = [row];
    for (let column = 1; column <= target.length; column++) {
      const replaced = source[row - 1] === target[column - 1] ? 0 : 1;
      current[column] = Math.min(
        previous[column]! + 1,
        current[column - 1]! + 1,
        previous[column - 1]! + replaced,
      );
    }
    previous = current;
  }
  return previous[target.length]!;
}
