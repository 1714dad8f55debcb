import {
  Injectable,
  ValidationPipe,
  type ArgumentMetadata,
  type PipeTransform,
} from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { fieldsOf, type Field, type Shape } from './fields';
import { holdValues } from './held-values';
import { Problem, type FieldError } from './problems';
import { applyValidation } from './validation';

const wrong = 'Correct what `errors` names, and send the request again.';

/**
 * Checks what is sent against the class that a controller expects: nothing is missing, nothing is
 * malformed and nothing is there that the class does not know.
 */
@Injectable()
export class CheckingPipe implements PipeTransform {
  #checks: Promise<ValidationPipe> | null = null;

  async transform(value: unknown, metadata: ArgumentMetadata): Promise<unknown> {
    const { metatype, type } = metadata;
    if (type === 'custom' || metatype === undefined) return value;
    const fields = fieldsOf(metatype as Shape);
    if (fields.length === 0) return value;
    const given = type === 'query' ? fromTexts(value as Record<string, unknown>, fields) : value;
    if (type === 'body' && !isObject(given)) {
      const errors = [{ field: '', message: 'the body must be an object' }];
      throw new Problem('invalid-request', 'Send a JSON object.', { errors });
    }
    const { checked, restore } = holdValues(given ?? {}, fields);
    const prefix = type === 'query' ? '?' : '';
    const dropped = droppedNames(checked, prefix);
    if (dropped.length > 0) throw new Problem('invalid-request', wrong, { errors: dropped });
    this.#checks ??= load();
    try {
      const made = (await (await this.#checks).transform(checked, metadata)) as object;
      restore(made);
      return made;
    } catch (error) {
      if (!(error instanceof WrongFields)) throw error;
      throw new Problem('invalid-request', wrong, { errors: flat(error.errors, prefix) });
    }
  }
}

class WrongFields extends Error {
  constructor(readonly errors: readonly ValidationError[]) {
    super('fields are wrong');
  }
}

/** The packages are large: they are loaded when something is first sent. */
async function load(): Promise<ValidationPipe> {
  const [validator, transformer] = await Promise.all([
    import('class-validator'),
    import('class-transformer'),
  ]);
  applyValidation({ validator, transformer });
  return new ValidationPipe({
    whitelist: true,
    forbidNonWhitelisted: true,
    transform: true,
    stopAtFirstError: true,
    exceptionFactory: (errors) => new WrongFields(errors),
  });
}

/** Parameters of an address are texts; what stays one where it should not fails its check. */
function fromTexts(query: Record<string, unknown>, fields: readonly Field[]): object {
  const kinds = new Map(fields.map(({ name, kind }) => [name, kind]));
  const values = Object.entries(query).map(([name, text]) => {
    const kind = kinds.get(name);
    if (kind === 'whole' && /^-?\d{1,16}$/.test(String(text))) return [name, Number(text)] as const;
    if (kind === 'flag' && (text === 'true' || text === '')) return [name, true] as const;
    if (kind === 'flag' && text === 'false') return [name, false] as const;
    if (kind === 'list' && typeof text === 'string') return [name, text.split(',')] as const;
    return [name, text] as const;
  });
  return Object.fromEntries(values);
}

/** Nest drops these at any depth before it looks for what a class does not know. */
const droppedByNest = ['__proto__', 'constructor', 'prototype'];

/** What is wrong with an object because it has such names, in itself or further in. */
function droppedNames(given: object, path: string): FieldError[] {
  const own = droppedByNest
    .filter((name) => Object.hasOwn(given, name))
    .map((name) => ({ field: `${path}${name}`, message: `property ${name} should not exist` }));
  const within = Object.entries(given).flatMap(([name, value]: [string, unknown]) =>
    typeof value === 'object' && value !== null ? droppedNames(value, `${path}${name}.`) : [],
  );
  return [...own, ...within];
}

function isObject(value: unknown): value is object | undefined {
  return (
    value === undefined || (typeof value === 'object' && value !== null && !Array.isArray(value))
  );
}

function flat(errors: readonly ValidationError[], path: string): FieldError[] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => {
    const field = `${path}${property}`;
    const own = Object.values(constraints).map((message) => ({ field, message }));
    return [...own, ...flat(children, `${field}.`)];
  });
}
