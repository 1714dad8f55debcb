import { zeroOf, type FieldSpec, type TypeSpec } from './schema';

/** Source text of a field's default; `emptyBuffer` is a helper of the generated functions. */
export function defaultLiteral(spec: FieldSpec): string {
  if (spec.initial === undefined || spec.type.kind === 'bytes' || spec.type.kind === 'records') {
    return spec.initial === null ? 'null' : zeroLiteral(spec.type);
  }
  return JSON.stringify(spec.initial);
}

/** Source text of a type's zero. */
export function zeroLiteral(type: TypeSpec): string {
  if (type.kind === 'bytes' || type.kind === 'records') return 'emptyBuffer';
  return JSON.stringify(zeroOf(type));
}
