import { isCarried, type StructSpec, type TypeSpec } from './schema';
import { uuidBytes } from './uuid';

export interface Layout {
  readonly version: number;
  readonly flexible: boolean;
}

/** Bytes of a type that always takes as many; 0 for the others. */
export function fixedSize(type: TypeSpec): number {
  switch (type.kind) {
    case 'bool':
    case 'int8':
      return 1;
    case 'int16':
    case 'uint16':
      return 2;
    case 'int32':
      return 4;
    case 'int64':
    case 'float64':
      return 8;
    case 'uuid':
      return uuidBytes;
    default:
      return 0;
  }
}

/** The fewest bytes that a value of the type can take on the wire. */
export function minimumSize(type: TypeSpec, layout: Layout): number {
  if (type.kind === 'struct') return minimumStructSize(type.fields, layout);
  if (fixedSize(type) > 0) return fixedSize(type);
  if (layout.flexible) return 1;
  return type.kind === 'string' ? 2 : 4;
}

function minimumStructSize(fields: StructSpec, layout: Layout): number {
  const tagBuffer = layout.flexible ? 1 : 0;
  return fields
    .filter(([, spec]) => spec.tag === null && isCarried(spec, layout.version))
    .reduce((sum, [, spec]) => {
      const mayBeNull = spec.nullableSince <= layout.version;
      if (mayBeNull && spec.type.kind === 'struct') return sum + 1;
      return sum + minimumSize(spec.type, layout);
    }, tagBuffer);
}
