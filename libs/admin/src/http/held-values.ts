import type { Field } from './fields';

/** Stands for a map while the other fields are checked; only its own check looks inside. */
export type HeldMap = () => unknown;

/**
 * Takes what may have any names out of what is to be checked. Nest and class-transformer drop
 * properties named `constructor`, `prototype` and `__proto__`, at any depth: right for the fields
 * that a class declares, and a silent loss in what is data. It also saves copying that data.
 *
 * @returns a copy for the checks, and what puts the values themselves into what they make of it
 */
export function holdValues(
  given: object,
  fields: readonly Field[],
): { checked: object; restore: (made: object) => void } {
  const source = given as Record<string, unknown>;
  const held = fields.filter((field) => isHeld(field) && Object.hasOwn(given, field.name));
  // The spread makes an own property also of one that is named `__proto__`.
  const checked: Record<string, unknown> = { ...source };
  for (const field of held) checked[field.name] = standInOf(field, source[field.name]);
  const restore = (made: object): void => {
    for (const { name } of held) (made as Record<string, unknown>)[name] = source[name];
  };
  return { checked, restore };
}

function isHeld(field: Field): boolean {
  if (field.kind === 'list') return field.items.kind === 'anything';
  return field.kind === 'anything' || field.kind === 'map';
}

/** Has what the checks look at: whether it is there, is null, is a list, and of how many. */
function standInOf({ kind }: Field, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (kind === 'map') return (() => value) satisfies HeldMap;
  return Array.isArray(value) ? value.map(() => null) : {};
}
