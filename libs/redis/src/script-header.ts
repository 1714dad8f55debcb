/** What the comment block at the top of a .lua file declares. */
export interface ScriptHeader {
  /** As `log/append`. */
  name: string;
  /** Names of KEYS in order; the last may end in `…`, for any number of values. */
  keys: readonly string[];
  /** Names of ARGV in order; the last may end in `…`, for any number of values. */
  args: readonly string[];
  /** The reply, in words. */
  reply: string;
  /** The script below the header. */
  body: string;
}

/** The mark of a name that stands for any number of values. */
export const variadicMark = '…';

type Section = 'KEYS' | 'ARGV' | 'REPLY';

const namePattern = /^[a-z][a-zA-Z0-9]*…?$/;

/**
 * Reads the header of a script:
 *
 * ```lua
 * #!lua flags=allow-oom                 (only where it is needed; must be the first line)
 * --[[ log/append — what the script does.
 * KEYS   log meta
 * ARGV   leaderEpoch batches…
 * REPLY  appended baseOffset | fenced ]]
 * ```
 *
 * A line that begins with white space continues the section above it. `-` stands for no names.
 *
 * @throws Error that says what is wrong with the header
 */
export function parseScriptHeader(source: string): ScriptHeader {
  const match = /^(?:#!lua[^\n]*\n)?--\[\[ (\S+) — ([\s\S]*?)\]\]([\s\S]*)$/.exec(source);
  if (match === null) {
    throw new Error(
      'must begin with "--[[ <name> — <purpose>", after the #! line where there is one',
    );
  }
  const [, name, header, body] = match as unknown as [string, string, string, string];
  const sections = readSections(header);
  const reply = sections.get('REPLY') ?? '';
  if (reply === '') throw new Error('has no REPLY line');
  return {
    name,
    keys: readNames(sections, 'KEYS'),
    args: readNames(sections, 'ARGV'),
    reply,
    body,
  };
}

/**
 * Compares what the body uses with what the header declares.
 *
 * @throws Error naming the first key or argument that is used undeclared, or declared and not used
 */
export function checkScriptUse(header: ScriptHeader): void {
  const code = header.body.replace(/--\[\[[\s\S]*?\]\]/g, '').replace(/--[^\n]*/g, '');
  checkTable(code, 'KEYS', header.keys);
  checkTable(code, 'ARGV', header.args);
}

function readSections(header: string): Map<Section, string> {
  const sections = new Map<Section, string>();
  let current: Section | null = null;
  for (const line of header.split('\n')) {
    const start = /^(KEYS|ARGV|REPLY)(?:\s+(.*))?$/.exec(line);
    if (start !== null) {
      current = start[1] as Section;
      if (sections.has(current)) throw new Error(`has two ${current} lines`);
      sections.set(current, (start[2] ?? '').trim());
    } else if (current !== null && /^\s+\S/.test(line)) {
      sections.set(current, `${sections.get(current)} ${line.trim()}`.trim());
    } else {
      current = null;
    }
  }
  return sections;
}

function readNames(sections: Map<Section, string>, section: Section): readonly string[] {
  const text = sections.get(section);
  if (text === undefined || text === '') throw new Error(`has no ${section} line ("-" for none)`);
  if (text === '-') return [];
  const names = text.split(/\s+/).map((name) => name.replace(/\.\.\.$/, variadicMark));
  for (const [index, name] of names.entries()) {
    if (!namePattern.test(name)) throw new Error(`${section}: "${name}" is not a name`);
    if (name.endsWith(variadicMark) && index !== names.length - 1) {
      throw new Error(`${section}: "${name}" must be the last, as it takes all that follows`);
    }
  }
  if (new Set(names).size !== names.length) throw new Error(`${section}: a name occurs twice`);
  return names;
}

function checkTable(code: string, table: Section, names: readonly string[]): void {
  const variadic = names.at(-1)?.endsWith(variadicMark) ?? false;
  const used = new Set<number>();
  for (const match of code.matchAll(new RegExp(`\\b${table}\\[(\\d+)\\]`, 'g'))) {
    used.add(Number(match[1]));
  }
  for (const index of used) {
    if (index < 1 || (index > names.length && !variadic)) {
      throw new Error(`uses ${table}[${index}], which the header does not declare`);
    }
  }
  // Whatever is not a literal index (a loop, unpack) may reach every element.
  const dynamic = new RegExp(`\\b${table}\\b(?!\\[\\d+\\])`).test(code);
  if (dynamic) return;
  for (const [index, name] of names.entries()) {
    if (!used.has(index + 1)) throw new Error(`declares ${table} ${name}, which it never uses`);
  }
}
