import { bareName, restMark, type ScriptHeader } from './header';

type Table = 'KEYS' | 'ARGV';
type Fail = (at: number, problem: string) => Error;

/**
 * Puts positions in place of names: `KEYS.meta` becomes `KEYS[1]`, and names cost Redis nothing.
 * Of a list (a last name that takes any number of values) there are `#ARGV.batches`,
 * `ARGV.batches[i]`, `unpack(ARGV.batches)` and `unpack(ARGV.batches, from, to)` with plain `from`
 * and `to`. Lines stay where they are.
 *
 * @param origins where each line comes from, for messages
 * @throws Error naming the first key or argument that is used undeclared, or declared and not used
 */
export function bindNames(
  written: string,
  header: ScriptHeader,
  origins: readonly string[],
): string {
  let text = written;
  const fail: Fail = (at, problem) =>
    new Error(`${origins[text.slice(0, at).split('\n').length - 1]} ${problem}`);
  for (const table of ['KEYS', 'ARGV'] as const) {
    const names = table === 'KEYS' ? header.keys : header.args;
    checkUses(withoutComments(written), table, names, fail);
    for (const [index, name] of names.entries()) {
      const use = new RegExp(`\\b${table}\\.${bareName(name)}\\b`, 'g');
      text = name.endsWith(restMark)
        ? bindList(text, { table, name: bareName(name), before: index }, fail)
        : text.replace(use, `${table}[${index + 1}]`);
    }
  }
  return text;
}

/** A last name, and how many values stand before it. */
interface List {
  table: Table;
  name: string;
  before: number;
}

function bindList(written: string, { table, name, before }: List, fail: Fail): string {
  const list = `${table}\\.${name}\\b`;
  const unpackAll = new RegExp(`\\bunpack\\(${list}\\)`, 'g');
  const unpackSome = new RegExp(`\\bunpack\\(${list},\\s*([^,()]+),\\s*([^,()]+)\\)`, 'g');
  let text = written
    .replace(new RegExp(`#${list}`, 'g'), `(#${table} - ${before})`)
    .replace(unpackAll, `unpack(${table}, ${before + 1})`)
    .replace(unpackSome, `unpack(${table}, ${before} + ($1), ${before} + ($2))`);
  for (;;) {
    const at = text.search(new RegExp(list));
    if (at < 0) return text;
    const open = at + `${table}.${name}`.length;
    const close = text[open] === '[' ? closingBracket(text, open) : -1;
    if (close < 0) throw fail(at, `uses the list ${table}.${name} not as #, [i] or unpack`);
    const index = text.slice(open + 1, close);
    text = `${text.slice(0, at)}${table}[${before} + (${index})]${text.slice(close + 1)}`;
  }
}

function closingBracket(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '[') depth++;
    else if (text[at] === ']' && --depth === 0) return at;
  }
  return -1;
}

function checkUses(code: string, table: Table, names: readonly string[], fail: Fail): void {
  const takesMore = names.at(-1)?.endsWith(restMark) ?? false;
  const bare = names.map(bareName);
  const used = new Set<number>();
  for (const match of code.matchAll(new RegExp(`\\b${table}(?:\\.(\\w+)|\\[(\\d+)\\])`, 'g'))) {
    const [whole, name, position] = match;
    const index = name === undefined ? Number(position) - 1 : bare.indexOf(name);
    if (index < 0 || (index >= names.length && !takesMore)) {
      throw fail(match.index, `uses ${whole}, which the header does not declare`);
    }
    used.add(index);
  }
  // Whatever is neither a name nor a literal index (a loop, unpack) may reach every element.
  if (new RegExp(`\\b${table}\\b(?!\\.\\w|\\[\\d+\\])`).test(code)) return;
  for (const [index, name] of bare.entries()) {
    if (!used.has(index)) throw new Error(`declares ${table} ${name}, which it never uses`);
  }
}

/** The script without its comments; lines and places in it stay. */
export function withoutComments(written: string): string {
  return written.replace(/--\[\[[\s\S]*?\]\]|--[^\n]*/g, blank);
}

function blank(comment: string): string {
  return comment.replace(/[^\n]/g, ' ');
}
