import {
  apis,
  isCarried,
  zeroOf,
  type Api,
  type FieldSpec,
  type StructSpec,
  type TypeSpec,
} from '@sluice/wire';
import fc from 'fast-check';

export interface MessageCase {
  readonly api: Api;
  readonly version: number;
  readonly direction: 'request' | 'response';
  readonly label: string;
}

/** Every message of every version that the protocol library knows. */
export function everyMessage(): MessageCase[] {
  return [...apis.values()].flatMap((api) =>
    versionsOf(api).flatMap((version) =>
      (['request', 'response'] as const).map((direction) => {
        return { api, version, direction, label: `${api.name} v${version} ${direction}` };
      }),
    ),
  );
}

export function versionsOf({ versions }: Api): number[] {
  return Array.from({ length: versions.max - versions.min + 1 }, (_, at) => versions.min + at);
}

/**
 * Values of a message as they come back from decoding: fields that the version lacks hold their
 * defaults.
 */
export function arbitraryMessage(
  fields: StructSpec,
  version: number,
): fc.Arbitrary<Record<string, unknown>> {
  const model = fields.map(([name, spec]) => [name, arbitraryField(spec, version)] as const);
  return fc.record(Object.fromEntries(model), { noNullPrototype: true });
}

function arbitraryField(spec: FieldSpec, version: number): fc.Arbitrary<unknown> {
  if (!isCarried(spec, version)) {
    return fc.constant(spec.initial === undefined ? zeroOf(spec.type) : spec.initial);
  }
  const value = arbitraryValue(spec.type, version);
  const mayBeNull = spec.nullableSince <= version || spec.type.kind === 'struct';
  return mayBeNull ? fc.option(value, { freq: 3, nil: null }) : value;
}

function arbitraryValue(type: TypeSpec, version: number): fc.Arbitrary<unknown> {
  switch (type.kind) {
    case 'bool':
      return fc.boolean();
    case 'int8':
      return fc.integer({ min: -0x80, max: 0x7f });
    case 'int16':
      return fc.integer({ min: -0x8000, max: 0x7fff });
    case 'uint16':
      return fc.integer({ min: 0, max: 0xffff });
    case 'int32':
      return fc.integer({ min: -0x8000_0000, max: 0x7fff_ffff });
    case 'int64':
      return fc.maxSafeInteger();
    case 'float64':
      return fc.double({ noNaN: true });
    case 'uuid':
      return arbitraryBytes(16, 16).map((bytes) => bytes.toString('base64url'));
    case 'string':
      return fc.string({ unit: 'grapheme', maxLength: 60, size: 'max' });
    case 'bytes':
      return arbitraryBytes(0, 200);
    case 'records':
      return arbitraryBytes(0, 2000);
    case 'array':
      return fc.array(arbitraryValue(type.of, version), { maxLength: 3 });
    default:
      return arbitraryMessage(type.fields, version);
  }
}

function arbitraryBytes(minLength: number, maxLength: number): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ minLength, maxLength, size: 'max' }).map((bytes) => Buffer.from(bytes));
}
