/** What the comment block at the top of a .lua file declares. */
export interface ScriptHeader {
  /** As `log/append`. */
  name: string;
  /** Names of KEYS in order, with their marks. */
  keys: readonly string[];
  /** Names of ARGV in order, with their marks. */
  args: readonly string[];
  /** What it replies where it did its work, for `parseReplies`. */
  reply: string;
  /** What it replies where it wrote nothing; may be empty. */
  refused: string;
}

/** One reply: its first value, and the names of those behind it. */
export interface ReplyLine {
  tag: string;
  fields: readonly string[];
}

/** The mark of a last name that stands for any number of values. */
export const restMark = '…';
/** The mark of a key that may be missing. Redis Cluster wants to know: see docs/lua-scripts.md. */
export const missingMark = '?';

type Section = 'KEYS' | 'ARGV' | 'REPLY' | 'REFUSED';

const keyPattern = /^[a-z][a-zA-Z0-9]*(?:…|\?)?$/;
const namePattern = /^[a-z][a-zA-Z0-9]*…?$/;
const tagPattern = /^[a-z][a-z0-9-]*$/;

/** A name without its mark. */
export function bareName(name: string): string {
  return name.endsWith(restMark) || name.endsWith(missingMark) ? name.slice(0, -1) : name;
}

/**
 * Reads the header of a script; docs/lua-scripts.md tells its form.
 *
 * @throws Error that says what is wrong with the header
 */
export function parseScriptHeader(source: string): ScriptHeader {
  const match = /^(?:#!lua[^\n]*\n)?--\[\[ (\S+) — ([\s\S]*?)\]\]/.exec(source);
  if (match === null) {
    throw new Error(
      'must begin with "--[[ <name> — <purpose>", after the #! line where there is one',
    );
  }
  const [, name, header] = match as unknown as [string, string, string];
  const sections = readSections(header);
  return {
    name,
    keys: readNames(sections, 'KEYS', keyPattern),
    args: readNames(sections, 'ARGV', namePattern),
    reply: textOf(sections, 'REPLY'),
    refused: sections.has('REFUSED') ? textOf(sections, 'REFUSED') : '',
  };
}

function readSections(header: string): Map<Section, string> {
  const sections = new Map<Section, string>();
  let current: Section | null = null;
  for (const line of header.split('\n')) {
    const start = /^(KEYS|ARGV|REPLY|REFUSED)(?:\s+(.*))?$/.exec(line);
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

/** A section without its remarks, which stand in parentheses. */
function textOf(sections: Map<Section, string>, section: Section): string {
  const text = (sections.get(section) ?? '').replace(/\([^)]*\)/g, '').trim();
  if (text === '') throw new Error(`has no ${section} line ("-" for none)`);
  return text;
}

function readNames(
  sections: Map<Section, string>,
  section: Section,
  pattern: RegExp,
): readonly string[] {
  const text = textOf(sections, section);
  return text === '-' ? [] : checkNames(section, text.split(/\s+/), pattern);
}

function checkNames(where: string, names: readonly string[], pattern: RegExp): readonly string[] {
  for (const [index, name] of names.entries()) {
    if (!pattern.test(name)) throw new Error(`${where}: "${name}" is not a name`);
    if (name.endsWith(restMark) && index !== names.length - 1) {
      throw new Error(`${where}: "${name}" must be the last, as it takes all that follows`);
    }
  }
  if (new Set(names.map(bareName)).size !== names.length) {
    throw new Error(`${where}: a name occurs twice`);
  }
  return names;
}

/**
 * Reads `appended baseOffset | duplicate baseOffset`.
 *
 * @throws Error that says what is wrong
 */
export function parseReplies(text: string): readonly ReplyLine[] {
  if (text === '' || text === '-') return [];
  const replies = text
    .replace(/\([^)]*\)/g, '')
    .split('|')
    .map(parseReply);
  if (new Set(replies.map(({ tag }) => tag)).size !== replies.length) {
    throw new Error(`a tag occurs twice in "${text}"`);
  }
  return replies;
}

function parseReply(text: string): ReplyLine {
  const [tag = '', ...fields] = text.trim().split(/\s+/);
  if (!tagPattern.test(tag)) throw new Error(`has a reply "${tag}", which is no tag`);
  if (fields.includes('tag')) throw new Error(`has a value "tag" in the reply "${tag}"`);
  return { tag, fields: checkNames(`REPLY ${tag}`, fields, namePattern) };
}
