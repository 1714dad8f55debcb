/**
 * The schema language: what a message looks like in each of its versions, as plain values.
 *
 * A field says its type, the versions that carry it, whether (and since when) it may be null,
 * whether it is a tagged field (KIP-482), and its default. One TypeScript type, inferred from the
 * schema, serves all versions.
 */
import { zeroUuid } from './uuid';

export type ScalarKind =
  | 'bool'
  | 'int8'
  | 'int16'
  | 'uint16'
  | 'int32'
  | 'int64'
  | 'float64'
  | 'uuid'
  | 'string'
  | 'bytes'
  | 'records';

export type TypeSpec =
  | { readonly kind: ScalarKind }
  | { readonly kind: 'array'; readonly of: TypeSpec }
  | { readonly kind: 'struct'; readonly fields: StructSpec };

export type StructSpec = readonly (readonly [name: string, spec: FieldSpec])[];

/**
 * Everything the compilers need to know about a field. `until` is inclusive, as in Kafka's ranges.
 */
export interface FieldSpec {
  readonly type: TypeSpec;
  readonly since: number;
  readonly until: number;
  /** First version in which the field may be null; Infinity when it never may. */
  readonly nullableSince: number;
  readonly tag: number | null;
  /** `undefined` means: the zero of the type. */
  readonly initial: unknown;
}

/** Whether the literal that is encoded must have the field. */
export type Presence = 'required' | 'optional';

/** A field of a message: `T` is what decoding gives, `I` what encoding takes. */
export class Field<T, I = T, P extends Presence = Presence> {
  declare readonly decoded: T;
  declare readonly input: I;
  declare readonly presence: P;

  constructor(readonly spec: FieldSpec) {}

  /** The field exists from this version on. */
  since(version: number): Field<T, I, 'optional'> {
    return new Field({ ...this.spec, since: version });
  }

  /** The field exists up to and including this version. */
  until(version: number): Field<T, I, 'optional'> {
    return new Field({ ...this.spec, until: version });
  }

  /** The field is a tagged one from `since` on: written only when it differs from its default. */
  tag(tag: number, since: number): Field<T, I, 'optional'> {
    return new Field({ ...this.spec, tag, since });
  }

  /**
   * The value of a field that the literal lacks, and of one that the decoded version does not
   * carry.
   */
  default(value: T): Field<T, I, 'optional'> {
    return new Field({ ...this.spec, initial: value });
  }
}

/** A struct as a field of its own: tagged, or one that may be null. Null while it is absent. */
export class StructField<S extends Shape> {
  constructor(readonly shape: S) {}

  tag(tag: number, since: number): Field<Decoded<S> | null, Input<S> | null, 'optional'> {
    return new Field({ ...plain(this.type), tag, since, initial: null });
  }

  /** In its place among the other fields; a byte before it says whether it is there. */
  nullable(): Field<Decoded<S> | null, Input<S> | null, 'optional'> {
    return new Field({ ...plain(this.type), nullableSince: 0, initial: null });
  }

  private get type(): TypeSpec {
    return { kind: 'struct', fields: structSpec(this.shape) };
  }
}

export interface Shape {
  readonly [name: string]: Field<unknown, unknown>;
}

type OptionalKeys<S extends Shape> = {
  [K in keyof S]: S[K]['presence'] extends 'required' ? never : K;
}[keyof S];

/** What decoding a struct gives: every field, whatever the version. */
export type Decoded<S extends Shape> = { -readonly [K in keyof S]: S[K]['decoded'] };

/**
 * What encoding a struct takes: fields with a default, and fields not in every version, may be left
 * out.
 */
export type Input<S extends Shape> = {
  readonly [K in Exclude<keyof S, OptionalKeys<S>>]: S[K]['input'];
} & { readonly [K in OptionalKeys<S>]?: S[K]['input'] };

const plain = (type: TypeSpec): FieldSpec => ({
  type,
  since: 0,
  until: Infinity,
  nullableSince: Infinity,
  tag: null,
  initial: undefined,
});

function scalar<T, I = T>(kind: ScalarKind): Field<T, I, 'required'> {
  return new Field(plain({ kind }));
}

export const bool = scalar<boolean>('bool');
export const int8 = scalar<number>('int8');
export const int16 = scalar<number>('int16');
export const uint16 = scalar<number>('uint16');
export const int32 = scalar<number>('int32');
/** A number: values beyond ±Number.MAX_SAFE_INTEGER saturate when decoded. */
export const int64 = scalar<number>('int64');
export const float64 = scalar<number>('float64');
/** 22 characters of URL-safe base64, which is Kafka's text form. */
export const uuid = scalar<string>('uuid');
export const string = scalar<string>('string');
/** Decoded into memory of its own, so keeping it does not keep the frame. */
export const bytes = scalar<Buffer>('bytes');
/**
 * Record batches. Decoded as a view of the frame; encoded from one buffer, or from several one
 * after the other.
 */
export const records = scalar<Buffer, Buffer | readonly Buffer[] | null>('records');

/** The fields of a shape, in the order they are written. */
export function structSpec(shape: Shape): StructSpec {
  return Object.entries(shape).map(([name, field]) => [name, field.spec] as const);
}

export function struct<S extends Shape>(shape: S): StructField<S> {
  return new StructField(shape);
}

/** An array of one of the scalar types, or of structs. */
export function array<T, I>(of: Field<T, I>): Field<T[], readonly I[], 'required'>;
export function array<S extends Shape>(of: S): Field<Decoded<S>[], readonly Input<S>[], 'required'>;
export function array(of: Field<unknown, unknown> | Shape): Field<unknown, unknown, 'required'> {
  const type: TypeSpec =
    of instanceof Field ? of.spec.type : { kind: 'struct', fields: structSpec(of) };
  return new Field(plain({ kind: 'array', of: type }));
}

/**
 * The field may be null from version `since` on; before that a null is written as the type's zero.
 */
export function nullable<T, I>(
  field: Field<T, I>,
  since = 0,
): Field<T | null, I | null, 'optional'> {
  return new Field({
    ...field.spec,
    nullableSince: since,
    initial: since === 0 ? null : undefined,
  });
}

/**
 * The zero of a type: what a field without a default of its own holds when nobody gave it a value.
 */
export function zeroOf(type: TypeSpec): unknown {
  switch (type.kind) {
    case 'bool':
      return false;
    case 'string':
      return '';
    case 'uuid':
      return zeroUuid;
    case 'bytes':
    case 'records':
      return Buffer.alloc(0);
    case 'array':
      return [];
    case 'struct':
      return null;
    default:
      return 0;
  }
}

export function isCarried(spec: FieldSpec, version: number): boolean {
  return version >= spec.since && version <= spec.until;
}
