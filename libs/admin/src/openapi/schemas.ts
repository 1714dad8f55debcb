import type * as Swagger from '@nestjs/swagger';
import { fieldsOf, knownShapes, type Field, type Shape, type ValueRule } from '../http/fields';

/** A schema, as far as it says what kind of value it is. */
type Schema = Record<string, unknown>;

const done = new Set<Shape>();

/** Puts the decorators of @nestjs/swagger on all classes of what is sent and answered. */
export function applySchemas({ ApiProperty }: typeof Swagger): void {
  for (const shape of knownShapes().filter((one) => !done.has(one))) {
    done.add(shape);
    for (const one of fieldsOf(shape)) {
      ApiProperty(propertyOf(one) as Swagger.ApiPropertyOptions)(
        shape.prototype as object,
        one.name,
      );
    }
  }
}

function propertyOf(one: Field): Schema {
  const { about, example, optional = false, nullable } = one;
  const facts: Schema = { description: about, required: !optional };
  if (example !== undefined) facts.example = example;
  if (nullable) facts.nullable = true;
  return { ...facts, ...schemaOf(one) };
}

function schemaOf(rule: ValueRule): Schema {
  switch (rule.kind) {
    case 'text': {
      const { charsMin, charsMax, pattern, choices } = rule;
      return present({
        type: 'string',
        minLength: charsMin,
        maxLength: charsMax,
        pattern: pattern?.source,
        enum: choices,
      });
    }
    case 'whole':
      return present({ type: 'integer', format: 'int64', minimum: rule.min, maximum: rule.max });
    case 'number':
      return { type: 'number' };
    case 'flag':
      return { type: 'boolean' };
    case 'anything':
      return { ...(rule.schema ?? { type: 'object', additionalProperties: true }) };
    case 'shape':
      // A function that is called `type` is asked for the class later.
      return { type: () => rule.shape() };
    case 'list':
      if (rule.items.kind === 'shape') {
        const { shape } = rule.items;
        return present({ type: () => shape(), isArray: true, maxItems: rule.itemsMax });
      }
      return present({ type: 'array', items: schemaOf(rule.items), maxItems: rule.itemsMax });
    case 'map': {
      const values = rule.values.kind === 'anything' ? true : schemaOf(rule.values);
      const nullable = rule.values.nullable ? { nullable: true } : {};
      const additional = values === true ? true : { ...values, ...nullable };
      return { type: 'object', additionalProperties: additional };
    }
  }
}

/** Without what was not said. */
function present(schema: Schema): Schema {
  return Object.fromEntries(Object.entries(schema).filter(([, value]) => value !== undefined));
}
