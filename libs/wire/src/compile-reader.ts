/**
 * Turns the schema of a message and a version into a straight-line function that reads it.
 *
 * Every access is checked against the frame's end first (once for a run of fixed-size fields). A
 * length or count is compared with the bytes that are left before anything is allocated for it.
 */
import { build, Code } from './code';
import { wireLimits } from './limits';
import { defaultLiteral, zeroLiteral } from './literals';
import * as helpers from './reader';
import { isCarried, type FieldSpec, type StructSpec, type TypeSpec } from './schema';
import { fixedSize, minimumSize } from './sizes';

export type ReadMessage = (frame: Buffer, at: number) => unknown;

interface Place {
  readonly code: Code;
  readonly version: number;
  readonly flexible: boolean;
  readonly path: string;
}

/**
 * @param message what to call it, its fields, and whether bytes behind the last one are refused
 * @throws MalformedError (the compiled function) when the bytes are not a message of this version.
 */
export function compileReader(
  { label, fields, exact }: { label: string; fields: StructSpec; exact: boolean },
  version: number,
  flexible: boolean,
): ReadMessage {
  const code = new Code();
  const path = `${label} v${version}`;
  code.add('return function (frame, at) {', 'const end = frame.length;');
  code.add(`let left = ${wireLimits.elementsMax}; let n = 0;`);
  const message = readStruct({ code, version, flexible, path }, fields);
  if (exact)
    code.add(`if (at !== end) fail(${quote(path)} + ': ' + (end - at) + ' bytes too many');`);
  code.add(`return ${message};`, '};');
  return build<ReadMessage>(helpers, `'use strict';\n${code.toString()}`);
}

const quote = (path: string): string => JSON.stringify(path);

/** Emits the reading of a struct; returns the object literal to be evaluated afterwards. */
function readStruct(place: Place, fields: StructSpec): string {
  const values = new Map<string, string>();
  const tagged: [string, FieldSpec, string][] = [];
  let run: [string, FieldSpec][] = [];
  const flush = (): void => {
    readRun(place, run, values);
    run = [];
  };
  for (const [name, spec] of fields) {
    const inner = { ...place, path: `${place.path}.${name}` };
    if (!isCarried(spec, place.version)) {
      values.set(name, defaultLiteral(spec));
    } else if (spec.tag !== null) {
      const variable = place.code.name();
      values.set(name, variable);
      tagged.push([name, spec, variable]);
    } else if (fixedSize(spec.type) > 0) {
      run.push([name, spec]);
    } else {
      flush();
      values.set(name, readValue(inner, spec.type, spec.nullableSince <= place.version));
    }
  }
  flush();
  if (place.flexible) readTags(place, tagged);
  const entries = fields.map(([name]) => `${name}: ${values.get(name)}`);
  return `{ ${entries.join(', ')} }`;
}

/** Consecutive fields of fixed size: one check of the bytes left serves them all. */
function readRun(
  { code, path }: Place,
  run: readonly [string, FieldSpec][],
  values: Map<string, string>,
): void {
  if (run.length === 0) return;
  const size = run.reduce((sum, [, spec]) => sum + fixedSize(spec.type), 0);
  code.add(`if (end - at < ${size}) fail(${quote(`${path}.${run[0]![0]}`)} + ': the bytes end');`);
  let offset = 0;
  for (const [name, spec] of run) {
    const variable = code.name();
    code.add(`const ${variable} = ${fixed(spec.type, offset === 0 ? 'at' : `at + ${offset}`)};`);
    values.set(name, variable);
    offset += fixedSize(spec.type);
  }
  code.add(`at += ${size};`);
}

function fixed(type: TypeSpec, at: string): string {
  switch (type.kind) {
    case 'bool':
      return `frame[${at}] !== 0`;
    case 'int8':
      return `frame[${at}] << 24 >> 24`;
    case 'int16':
      return `(frame[${at}] << 24 | frame[${at} + 1] << 16) >> 16`;
    case 'uint16':
      return `frame[${at}] << 8 | frame[${at} + 1]`;
    case 'int32':
      return (
        `frame[${at}] << 24 | frame[${at} + 1] << 16 | ` +
        `frame[${at} + 2] << 8 | frame[${at} + 3]`
      );
    case 'float64':
      return `frame.readDoubleBE(${at})`;
    default:
      return `${type.kind}(frame, ${at})`;
  }
}

/** Emits the reading of a value of variable size; returns the variable that holds it. */
function readValue(place: Place, type: TypeSpec, isNullable: boolean): string {
  const { code, path } = place;
  if (type.kind === 'struct') {
    return isNullable ? readNullableStruct(place, type.fields) : readStruct(place, type.fields);
  }
  readLength(place, type);
  const variable = code.name();
  // A fetch response may say "no records" with a null; for the reader that is the same as none.
  const lenient = type.kind === 'records' && !isNullable ? zeroLiteral(type) : 'null';
  const nulls =
    isNullable || type.kind === 'records'
      ? `if (n === -1) { ${variable} = ${lenient}; } else `
      : '';
  code.add(`let ${variable};`, `${nulls}{`);
  if (type.kind === 'array') {
    readElements(place, type.of, variable);
  } else {
    code.add(
      `if (n < 0 || n > end - at) fail(${quote(path)} + ': length ' + n + ' does not fit');`,
    );
    code.add(`${variable} = ${slice(type.kind)};`, 'at += n;');
  }
  code.add('}');
  return variable;
}

/** A byte before the struct says whether it is there: a negative one that it is null. */
function readNullableStruct(place: Place, fields: StructSpec): string {
  const { code, path } = place;
  const variable = code.name();
  code.add(`if (at >= end) fail(${quote(path)} + ': the bytes end');`, `let ${variable} = null;`);
  code.add('at += 1;', 'if (frame[at - 1] < 128) {');
  code.add(`${variable} = ${readStruct(place, fields)};`, '}');
  return variable;
}

function slice(kind: string): string {
  if (kind === 'string') return 'text(frame, at, at + n)';
  return kind === 'bytes' ? 'copy(frame, at, at + n)' : 'frame.subarray(at, at + n)';
}

/** Leaves the length or count in `n`; -1 means null. */
function readLength({ code, flexible, path }: Place, type: TypeSpec): void {
  if (flexible) {
    code.add('n = frame[at];');
    // Also true for undefined, which is what lies behind the end.
    code.add(`if (!(n < 128)) { n = varint(frame, at, ${quote(path)}); at = cursor.at; }`);
    code.add('else at += 1;', 'n -= 1;');
    return;
  }
  const size: TypeSpec = { kind: type.kind === 'string' ? 'int16' : 'int32' };
  code.add(`if (end - at < ${fixedSize(size)}) fail(${quote(path)} + ': the bytes end');`);
  code.add(`n = ${fixed(size, 'at')};`, `at += ${fixedSize(size)};`);
}

function readElements(place: Place, of: TypeSpec, variable: string): void {
  const { code, path } = place;
  const least = minimumSize(of, place);
  code.add(`if (n < 0 || n * ${least} > end - at) `);
  code.add(`fail(${quote(path)} + ': ' + n + ' elements do not fit');`);
  code.add(`if ((left -= n) < 0) fail(${quote(path)} + ': too many elements');`);
  const count = code.name();
  const index = code.name();
  // Most have one element. An array that grows from none makes room for seventeen (in V8).
  const one = fixedSize(of) > 0 ? '0' : 'null';
  code.add(`${variable} = n === 1 ? [${one}] : [];`, `const ${count} = n;`);
  code.add(`for (let ${index} = 0; ${index} < ${count}; ${index} += 1) {`);
  if (fixedSize(of) > 0) {
    // The check above covered all of them.
    code.add(`${variable}[${index}] = ${fixed(of, 'at')};`, `at += ${fixedSize(of)};`);
  } else {
    const element = readValue({ ...place, path: `${path}[]` }, of, false);
    code.add(`${variable}[${index}] = ${element};`);
  }
  code.add('}');
}

/** Emits the reading of a tag buffer: known tags into their variables, the others stepped over. */
function readTags(place: Place, tagged: readonly [string, FieldSpec, string][]): void {
  const { code, path } = place;
  const what = quote(`${path} tags`);
  for (const [, spec, variable] of tagged) code.add(`let ${variable} = ${defaultLiteral(spec)};`);
  if (tagged.length === 0) {
    code.add(`if (frame[at] === 0) at += 1; else at = skipTags(frame, at, ${what});`);
    return;
  }
  const [count, tag, size, stop] = [code.name(), code.name(), code.name(), code.name()];
  code.add('if (frame[at] === 0) at += 1; else {');
  code.add(`let ${count} = varint(frame, at, ${what}); at = cursor.at;`);
  code.add(`for (; ${count} > 0; ${count} -= 1) {`);
  code.add(`const ${tag} = varint(frame, at, ${what});`);
  code.add(`const ${size} = varint(frame, cursor.at, ${what}); at = cursor.at;`);
  code.add(`if (${size} > end - at) fail(${what} + ': ' + ${size} + ' bytes do not fit');`);
  code.add(`const ${stop} = at + ${size};`, `switch (${tag}) {`);
  for (const [name, spec, variable] of tagged) {
    code.add(`case ${spec.tag}: {`);
    const inner = { ...place, path: `${path}.${name}` };
    const isNullable = spec.nullableSince <= place.version;
    if (fixedSize(spec.type) > 0) {
      const read = new Map<string, string>();
      readRun(place, [[name, spec]], read);
      code.add(`${variable} = ${read.get(name)};`);
    } else {
      code.add(`${variable} = ${readValue(inner, spec.type, isNullable)};`);
    }
    code.add('break; }');
  }
  code.add(`default: at = ${stop};`, '}');
  code.add(`if (at !== ${stop}) fail(${what} + ': a tag is not as long as it says');`, '}', '}');
}
