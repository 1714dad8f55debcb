/** A class of what is sent or answered. */
export type Shape = abstract new (...args: never[]) => object;

interface Facts {
  /** What it is, for the documentation. */
  about: string;
  example?: unknown;
  /** It may be left out. */
  optional?: boolean;
  /** It may be null. */
  nullable?: boolean;
}

/** What a value may be. */
export type ValueRule =
  | {
      kind: 'text';
      charsMin?: number;
      charsMax?: number;
      pattern?: RegExp;
      choices?: readonly string[];
    }
  | { kind: 'whole'; min?: number; max?: number }
  | { kind: 'number' }
  | { kind: 'flag' }
  /** Checked by whoever takes it; `schema` says what that is, in the words of OpenAPI. */
  | { kind: 'anything'; schema?: Readonly<Record<string, unknown>> }
  | { kind: 'shape'; shape: () => Shape }
  | { kind: 'list'; items: ValueRule; itemsMax?: number }
  | { kind: 'map'; values: ValueRule & { nullable?: boolean }; entriesMax?: number };

/** One property of a class of what is sent or answered. */
export type Field = Facts & ValueRule & { name: string };

type Rest<K extends ValueRule['kind']> = Omit<Extract<ValueRule, { kind: K }>, 'kind'> & Facts;

const fieldsByShape = new Map<object, Field[]>();

/** The fields of a class, its parents' first. */
export function fieldsOf(shape: Shape): readonly Field[] {
  const parent: unknown = Object.getPrototypeOf(shape);
  const inherited = typeof parent === 'function' ? fieldsOf(parent as Shape) : [];
  return [...inherited, ...(fieldsByShape.get(shape) ?? [])];
}

/** All classes that have fields. */
export function knownShapes(): Shape[] {
  return [...fieldsByShape.keys()] as Shape[];
}

function define(rule: Facts & ValueRule): PropertyDecorator {
  return (target, name) => {
    const shape = target.constructor;
    const fields = fieldsByShape.get(shape) ?? [];
    fieldsByShape.set(shape, [...fields, { ...rule, name: String(name) }]);
  };
}

/**
 * Decorators for the properties of what is sent and answered. Each says once what a value may be
 * and what it means. The checks of class-validator and the schemas of @nestjs/swagger are made from
 * that when they are first needed: both packages are large, and a gateway starts without them.
 */
export const field = {
  text: (facts: Rest<'text'>) => define({ kind: 'text', ...facts }),
  /** A whole number; without bounds, one that JSON can tell exactly. */
  whole: (facts: Rest<'whole'>) => define({ kind: 'whole', ...facts }),
  number: (facts: Rest<'number'>) => define({ kind: 'number', ...facts }),
  flag: (facts: Rest<'flag'>) => define({ kind: 'flag', ...facts }),
  /** Any JSON value. */
  anything: (facts: Rest<'anything'>) => define({ kind: 'anything', ...facts }),
  /** An object of another class. */
  shape: (facts: Rest<'shape'>) => define({ kind: 'shape', ...facts }),
  list: (facts: Rest<'list'>) => define({ kind: 'list', ...facts }),
  /** An object with any names. */
  map: (facts: Rest<'map'>) => define({ kind: 'map', ...facts }),
};
