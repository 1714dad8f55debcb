import { bareName, parseReplies, restMark, type ReplyLine, type ScriptHeader } from './header';

/** What a value of a reply is; `ints` and `texts` are lists in place of a value. */
export type ValueKind = 'int' | 'text' | 'bytes' | 'ints' | 'texts';

/** The replies of a script: of each tag the values behind it, by name and in order. */
export type ReplyShapes = Readonly<Record<string, Readonly<Record<string, ValueKind>>>>;

interface ValueOf {
  int: number;
  text: string;
  bytes: Buffer;
  ints: readonly number[];
  texts: readonly string[];
}

type Fields<F> = {
  readonly [N in keyof F & string as N extends `${infer Bare}…` ? Bare : N]: N extends `${string}…`
    ? readonly ValueOf[F[N] & ValueKind][]
    : ValueOf[F[N] & ValueKind];
};

/** A reply of a script, told by its `tag`. */
export type ReplyOf<S> = {
  [T in keyof S & string]: { readonly tag: T } & Fields<S[T]>;
}[keyof S & string];

interface Field {
  /** Without its mark. */
  name: string;
  kind: ValueKind;
  isRest: boolean;
}

/** Reads the replies of one script. */
export class ReplyReader {
  /** True when strings have to arrive as bytes. */
  readonly wantsBytes: boolean;
  readonly #shapes = new Map<string, readonly Field[]>();

  constructor(shapes: ReplyShapes) {
    for (const [tag, fields] of Object.entries(shapes)) {
      const list = Object.entries(fields).map(([name, kind]): Field => {
        return { name: bareName(name), kind, isRest: name.endsWith(restMark) };
      });
      this.#shapes.set(tag, list);
    }
    const kinds = [...this.#shapes.values()].flat().map(({ kind }) => kind);
    this.wantsBytes = kinds.includes('bytes');
  }

  /**
   * @param raw what Redis has answered; its strings are Buffers exactly where `wantsBytes`
   * @throws Error when it is none of the declared replies
   */
  read(raw: unknown): { readonly tag: string } {
    const values = raw as readonly unknown[];
    const tag = Array.isArray(raw) ? String(values[0]) : '';
    const fields = this.#shapes.get(tag);
    if (fields === undefined) throw new Error(`replied with the unknown tag "${tag}"`);
    const reply: { tag: string; [name: string]: unknown } = { tag };
    let at = 1;
    for (const { name, kind, isRest } of fields) {
      if (!isRest) reply[name] = readValue(kind, values[at++], name);
      else {
        reply[name] = values.slice(at).map((value) => readValue(kind, value, name));
        at = values.length;
      }
    }
    if (at !== values.length) throw new Error(`replied "${tag}" with ${values.length - 1} values`);
    return reply;
  }
}

function readValue(kind: ValueKind, value: unknown, name: string): unknown {
  switch (kind) {
    case 'int':
      if (typeof value === 'number') return value;
      break;
    case 'bytes':
      if (Buffer.isBuffer(value)) return value;
      break;
    case 'text':
      if (typeof value === 'string') return value;
      if (Buffer.isBuffer(value)) return value.toString();
      break;
    case 'ints':
      if (Array.isArray(value)) return value.map((one) => readValue('int', one, name));
      break;
    case 'texts':
      if (Array.isArray(value)) return value.map((one) => readValue('text', one, name));
      break;
  }
  throw new Error(`replied with a ${name} that is no ${kind}`);
}

/**
 * Compares the replies of the header with those declared.
 *
 * @throws Error that says which of them differ
 */
export function checkReplies(
  header: ScriptHeader,
  declared: { reply: ReplyShapes; refused: ReplyShapes },
): void {
  for (const section of ['reply', 'refused'] as const) {
    const inHeader = parseReplies(header[section]).map(lineText).sort().join(' | ');
    const inCode = Object.entries(declared[section])
      .map(([tag, fields]) => lineText({ tag, fields: Object.keys(fields) }))
      .sort()
      .join(' | ');
    if (inHeader === inCode) continue;
    const word = section.toUpperCase();
    throw new Error(`has ${word} "${inHeader}", but is declared with "${inCode}"`);
  }
}

function lineText({ tag, fields }: ReplyLine): string {
  return [tag, ...fields].join(' ');
}
