/**
 * Turns the schema of a message and a version into a straight-line function that writes it to a
 * Scratch.
 *
 * A field that the value lacks is written as its default; so is a null where this version allows
 * none.
 */
import { build, Code } from './code';
import { isCarried, type FieldSpec, type StructSpec, type TypeSpec } from './schema';
import { defaultLiteral } from './literals';
import { fixedSize } from './sizes';
import * as helpers from './writer';

export type WriteMessage = (scratch: helpers.Scratch, message: unknown) => void;

interface Place {
  readonly code: Code;
  readonly version: number;
  readonly flexible: boolean;
  readonly path: string;
}

/** What every message calls the code of an error; those that are set are noted in passing. */
const errorField = 'errorCode';

/** Most bytes that a length or a count takes. */
const lengthBytesMax = 5;

/**
 * @throws RangeError (the compiled function) for a string that is too long, and for a uuid that is
 * none.
 */
export function compileWriter(
  label: string,
  fields: StructSpec,
  version: number,
  flexible: boolean,
): WriteMessage {
  const code = new Code();
  const path = `${label} v${version}`;
  code.add('return function (scratch, message) {');
  code.add('let buffer = scratch.buffer; let at = scratch.at; let n = 0;');
  writeStruct({ code, version, flexible, path }, fields, 'message');
  code.add('scratch.at = at;', '};');
  return build<WriteMessage>(helpers, `'use strict';\n${code.toString()}`);
}

function writeStruct(place: Place, fields: StructSpec, source: string): void {
  const tagged: [string, FieldSpec][] = [];
  let run: [string, FieldSpec][] = [];
  const flush = (): void => {
    writeRun(place, run, source);
    run = [];
  };
  for (const [name, spec] of fields) {
    if (!isCarried(spec, place.version)) continue;
    if (spec.tag !== null) {
      tagged.push([name, spec]);
    } else if (fixedSize(spec.type) > 0) {
      run.push([name, spec]);
    } else {
      flush();
      const variable = load(place, name, spec, source);
      const inner = { ...place, path: `${place.path}.${name}` };
      writeValue(inner, spec.type, variable, spec.nullableSince <= place.version);
    }
  }
  flush();
  if (place.flexible) writeTags(place, tagged, source);
}

/** Emits a variable with the field's value, or with what stands for it. */
function load({ code, version }: Place, name: string, spec: FieldSpec, source: string): string {
  const variable = code.name();
  const isNullable = spec.nullableSince <= version || spec.type.kind === 'struct';
  if (isNullable) {
    code.add(`let ${variable} = ${source}.${name};`);
    code.add(`if (${variable} === undefined) ${variable} = ${defaultLiteral(spec)};`);
  } else {
    const initial = spec.initial ?? undefined;
    const stand = defaultLiteral({ ...spec, initial });
    code.add(`const ${variable} = ${source}.${name} ?? ${stand};`);
  }
  return variable;
}

/** Consecutive fields of fixed size: room is made for all of them at once. */
function writeRun(place: Place, run: readonly [string, FieldSpec][], source: string): void {
  if (run.length === 0) return;
  const { code } = place;
  const size = run.reduce((sum, [, spec]) => sum + fixedSize(spec.type), 0);
  makeRoom(code, `${size}`);
  let offset = 0;
  for (const [name, spec] of run) {
    const variable = load(place, name, spec, source);
    if (name === errorField) {
      code.add(`if (${variable} !== 0) scratch.errorCodes.push(${variable});`);
    }
    code.add(fixed(spec.type, variable, offset === 0 ? 'at' : `at + ${offset}`));
    offset += fixedSize(spec.type);
  }
  code.add(`at += ${size};`);
}

function makeRoom(code: Code, size: string): void {
  code.add(`if (buffer.length - at < ${size}) buffer = scratch.grow(at, ${size});`);
}

function fixed(type: TypeSpec, value: string, at: string): string {
  switch (type.kind) {
    case 'bool':
      return `buffer[${at}] = ${value} ? 1 : 0;`;
    case 'int8':
      return `buffer[${at}] = ${value};`;
    case 'int16':
    case 'uint16':
      return `buffer[${at}] = ${value} >> 8; buffer[${at} + 1] = ${value};`;
    case 'int32':
      return (
        `buffer[${at}] = ${value} >> 24; buffer[${at} + 1] = ${value} >> 16; ` +
        `buffer[${at} + 2] = ${value} >> 8; buffer[${at} + 3] = ${value};`
      );
    case 'float64':
      return `buffer.writeDoubleBE(${value}, ${at});`;
    case 'uuid':
      return `putUuid(buffer, ${at}, ${value});`;
    default:
      return `putInt64(buffer, ${at}, ${value});`;
  }
}

/** Emits the writing of a value of variable size. */
function writeValue(place: Place, type: TypeSpec, variable: string, isNullable: boolean): void {
  const { code, flexible } = place;
  if (type.kind === 'struct') {
    if (isNullable) return writeNullableStruct(place, type.fields, variable);
    return writeStruct(place, type.fields, variable);
  }
  if (isNullable) code.add(`if (${variable} === null) {`, ...writeNull(flexible, type), '} else {');
  if (type.kind === 'string') {
    const put = flexible ? 'putCompactString' : 'putClassicString';
    code.add(`at = ${put}(scratch, at, ${variable}); buffer = scratch.buffer;`);
  } else if (type.kind === 'array') {
    code.add(`n = ${variable}.length;`);
    writeLength(place);
    writeElements(place, type.of, variable);
  } else {
    code.add(`n = sizeOf(${variable});`);
    writeLength(place);
    code.add(`at = putBytes(scratch, at, ${variable}); buffer = scratch.buffer;`);
  }
  if (isNullable) code.add('}');
}

/** A byte before the struct says whether it is there: 1, or −1 for null. */
function writeNullableStruct(place: Place, fields: StructSpec, variable: string): void {
  const { code } = place;
  makeRoom(code, '1');
  code.add(`buffer[at] = ${variable} === null ? 255 : 1;`, 'at += 1;');
  code.add(`if (${variable} !== null) {`);
  writeStruct(place, fields, variable);
  code.add('}');
}

function writeNull(flexible: boolean, type: TypeSpec): string[] {
  const size = flexible ? 1 : type.kind === 'string' ? 2 : 4;
  const code = new Code();
  makeRoom(code, `${size}`);
  const bytes = Array.from(
    { length: size },
    (_, at) => `buffer[at + ${at}] = ${flexible ? 0 : 255};`,
  );
  return [code.toString(), ...bytes, `at += ${size};`];
}

/** Emits the writing of the length or count in `n`. */
function writeLength({ code, flexible }: Place): void {
  makeRoom(code, `${lengthBytesMax}`);
  code.add(
    flexible
      ? 'if (n < 127) { buffer[at] = n + 1; at += 1; } else at = putVarint(buffer, at, n + 1);'
      : `${fixed({ kind: 'int32' }, 'n', 'at')} at += 4;`,
  );
}

function writeElements(place: Place, of: TypeSpec, variable: string): void {
  const { code, path } = place;
  const index = code.name();
  const element = code.name();
  const size = fixedSize(of);
  if (size > 0) makeRoom(code, `n * ${size}`);
  code.add(`for (let ${index} = 0; ${index} < ${variable}.length; ${index} += 1) {`);
  code.add(`const ${element} = ${variable}[${index}];`);
  if (size > 0) {
    code.add(fixed(of, element, 'at'), `at += ${size};`);
  } else {
    writeValue({ ...place, path: `${path}[]` }, of, element, false);
  }
  code.add('}');
}

/** Emits the tag buffer: the tagged fields that differ from their defaults, in ascending order. */
function writeTags(place: Place, tagged: [string, FieldSpec][], source: string): void {
  const { code } = place;
  if (tagged.length === 0) {
    makeRoom(code, '1');
    code.add('buffer[at] = 0; at += 1;');
    return;
  }
  const fields = tagged
    .toSorted(([, a], [, b]) => a.tag! - b.tag!)
    .map(([name, spec]) => ({ name, spec, variable: load(place, name, spec, source) }));
  const isSet = fields.map(({ spec, variable }) => differs(spec, variable));
  makeRoom(code, '1');
  code.add(
    `buffer[at] = ${isSet.map((condition) => `(${condition} ? 1 : 0)`).join(' + ')}; at += 1;`,
  );
  for (const [at, { name, spec, variable }] of fields.entries()) {
    const from = code.name();
    code.add(`if (${isSet[at]}) {`);
    makeRoom(code, '2');
    code.add(`buffer[at] = ${spec.tag}; at += 2;`, `const ${from} = at;`);
    writeTagValue({ ...place, path: `${place.path}.${name}` }, spec, variable);
    code.add(`at = putTagSize(scratch, ${from}, at); buffer = scratch.buffer;`, '}');
  }
}

function writeTagValue(place: Place, spec: FieldSpec, variable: string): void {
  const size = fixedSize(spec.type);
  if (size === 0)
    return writeValue(place, spec.type, variable, spec.nullableSince <= place.version);
  makeRoom(place.code, `${size}`);
  place.code.add(fixed(spec.type, variable, 'at'), `at += ${size};`);
}

/** The condition under which a tagged field is written. */
function differs(spec: FieldSpec, variable: string): string {
  if (spec.type.kind === 'array') return `${variable} !== null && ${variable}.length > 0`;
  return `${variable} !== ${defaultLiteral(spec)}`;
}
