import 'reflect-metadata';
import type * as Validator from 'class-validator';
import type * as Transformer from 'class-transformer';
import { fieldsOf, knownShapes, type Field, type Shape, type ValueRule } from './fields';
import type { HeldMap } from './held-values';

type Tools = { validator: typeof Validator; transformer: typeof Transformer };

const done = new Set<Shape>();

/** Puts the decorators of class-validator on all classes of what is sent; once on each. */
export function applyValidation(tools: Tools): void {
  for (const shape of knownShapes().filter((one) => !done.has(one))) {
    done.add(shape);
    const parent = Object.getPrototypeOf(shape) as Shape;
    const inherited = fieldsOf(parent).map(({ name }) => name);
    for (const field of fieldsOf(shape).filter(({ name }) => !inherited.includes(name))) {
      for (const decorate of decoratorsOf(field, tools)) {
        decorate(shape.prototype as object, field.name);
      }
    }
  }
}

function decoratorsOf(field: Field, tools: Tools): PropertyDecorator[] {
  const { validator: v } = tools;
  const optional = field.optional ? [absentOnly(field, v)] : [];
  const nullable = field.nullable ? [v.ValidateIf((_, value) => value !== null)] : [];
  return [...optional, ...nullable, ...rulesOf(field, tools, false)];
}

/** Null is no way to leave something out. */
function absentOnly({ name }: Field, v: typeof Validator): PropertyDecorator {
  return v.ValidateIf((object: Record<string, unknown>) => object[name] !== undefined);
}

function rulesOf(rule: ValueRule, tools: Tools, each: boolean): PropertyDecorator[] {
  const { validator: v, transformer } = tools;
  switch (rule.kind) {
    case 'text':
      return textRules(rule, v, each);
    case 'whole': {
      const { min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER } = rule;
      return [v.Max(max, { each }), v.Min(min, { each }), v.IsInt({ each })];
    }
    case 'number':
      return [v.IsNumber({}, { each })];
    case 'flag':
      return [v.IsBoolean({ each })];
    case 'anything':
      return [v.Allow()];
    case 'shape':
      return [
        transformer.Type(rule.shape as () => Function),
        v.ValidateNested({ each }),
        v.IsObject({ each }),
      ];
    case 'list':
      return [
        ...rulesOf(rule.items, tools, true),
        ...(rule.itemsMax === undefined ? [] : [v.ArrayMaxSize(rule.itemsMax)]),
        v.IsArray(),
      ];
    case 'map':
      return [isMap(rule, v)];
  }
}

function textRules(
  { charsMin = 0, charsMax, pattern, choices }: Extract<ValueRule, { kind: 'text' }>,
  v: typeof Validator,
  each: boolean,
): PropertyDecorator[] {
  const rules: PropertyDecorator[] = [];
  if (choices) rules.push(v.IsIn([...choices], { each }));
  if (pattern) rules.push(v.Matches(pattern, { each }));
  if (charsMax !== undefined) rules.push(v.MaxLength(charsMax, { each }));
  if (charsMin > 0) rules.push(v.MinLength(charsMin, { each }));
  return [...rules, v.IsString({ each })];
}

/** An object whose values are all of one kind. */
function isMap(
  { values, entriesMax = Infinity }: Extract<ValueRule, { kind: 'map' }>,
  v: typeof Validator,
): PropertyDecorator {
  const problemOf = (given: unknown): string | undefined => {
    const value = typeof given === 'function' ? (given as HeldMap)() : given;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return 'must be an object';
    }
    const entries = Object.entries(value);
    if (entries.length > entriesMax) return `must not have more than ${entriesMax} entries`;
    const wrong = entries.find(([, one]) => !isOne(one));
    return wrong && `has a value at '${wrong[0].slice(0, 80)}' that is not ${wanted}`;
  };
  const isOne = (one: unknown): boolean => {
    if (one === null) return values.nullable === true;
    return values.kind === 'anything' || (values.kind === 'text' && typeof one === 'string');
  };
  const wanted = values.nullable ? 'a text or null' : 'a text';
  return v.ValidateBy({
    name: 'isMap',
    validator: {
      validate: (value: unknown) => problemOf(value) === undefined,
      defaultMessage: (args) => `${args?.property} ${problemOf(args?.value)}`,
    },
  });
}
