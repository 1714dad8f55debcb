/**
 * The kinds of value a topic config can have, and what counts as a valid text for each.
 *
 * Values stay text: Kafka's 64-bit numbers (9223372036854775807 is a common default) do not fit a
 * JavaScript number, so ranges are checked with BigInt and only the typed view rounds them down.
 */

/** Kafka's config types that topics use, with the codes of DescribeConfigs (KIP-226). */
export const configTypeCodes = {
  BOOLEAN: 1,
  STRING: 2,
  INT: 3,
  LONG: 5,
  DOUBLE: 6,
  LIST: 7,
} as const;

/** Name of a config type. */
export type ConfigType = keyof typeof configTypeCodes;

/** Either the value in its stored form, or why it was refused. */
export type ParsedValue = { ok: string } | { problem: string };

/** How values of one config are checked. */
export interface ValueRule {
  type: ConfigType;
  /** What is allowed, in words for the documentation. */
  allowed: string;
  /** Checks a text and brings it into its stored form (trimmed, lower-case booleans). */
  parse(text: string): ParsedValue;
}

/** Longest accepted value, in characters; replica lists are the only ones that come near. */
export const configValueCharsMax = 8_192;

const longMax = 9_223_372_036_854_775_807n;
const intMax = 2_147_483_647n;

/** A whole number between two bounds, both included. */
function whole(type: 'INT' | 'LONG', lowest: bigint, highest: bigint, extra?: bigint): ValueRule {
  const open = highest === intMax || highest === longMax;
  const range = open ? `${lowest} or more` : `${lowest}…${highest}`;
  const allowed = extra === undefined ? range : `${extra}, ${range}`;
  return {
    type,
    allowed,
    parse(text) {
      if (!/^[+-]?\d{1,19}$/.test(text)) return { problem: 'must be a whole number' };
      const value = BigInt(text.replace('+', ''));
      const inside = (value >= lowest && value <= highest) || value === extra;
      if (inside) return { ok: String(value) };
      return {
        problem: `must be ${extra === undefined ? '' : `${extra} or `}${lowest}…${highest}`,
      };
    },
  };
}

/** A 64-bit whole number of at least `lowest`. */
export function long(lowest: bigint): ValueRule {
  return whole('LONG', lowest, longMax);
}

/** A 32-bit whole number between two bounds; `extra` is one more allowed value outside of them. */
export function int(lowest: bigint, highest = intMax, extra?: bigint): ValueRule {
  return whole('INT', lowest, highest, extra);
}

/** A decimal number between two bounds, both included. */
export function double(lowest: number, highest: number): ValueRule {
  return {
    type: 'DOUBLE',
    allowed: `${lowest}…${highest}`,
    parse(text) {
      const value = Number(text);
      if (text === '' || !Number.isFinite(value)) return { problem: 'must be a number' };
      if (value >= lowest && value <= highest) return { ok: text };
      return { problem: `must be ${lowest}…${highest}` };
    },
  };
}

/** true or false, in any case, as Kafka reads them. */
export function boolean(): ValueRule {
  return {
    type: 'BOOLEAN',
    allowed: 'true, false',
    parse(text) {
      const value = text.toLowerCase();
      return value === 'true' || value === 'false'
        ? { ok: value }
        : { problem: 'must be true or false' };
    },
  };
}

/** One of a few words. */
export function oneOf(...words: string[]): ValueRule {
  return {
    type: 'STRING',
    allowed: words.join(', '),
    parse: (text) =>
      words.includes(text) ? { ok: text } : { problem: `must be one of ${words.join(', ')}` },
  };
}

/** A list, separated by commas, of some of a few words; each at most once. */
export function listOf(...words: string[]): ValueRule {
  return {
    type: 'LIST',
    allowed: words.join(', '),
    parse(text) {
      const items = listItems(text);
      const unknown = items.find((item) => !words.includes(item));
      if (unknown !== undefined) {
        return { problem: `may hold only ${words.join(', ')}, not '${unknown}'` };
      }
      return { ok: [...new Set(items)].join(',') };
    },
  };
}

/** A list of `<partition>:<broker>` pairs, or `*` for all. */
export function replicaList(): ValueRule {
  return {
    type: 'LIST',
    allowed: '*, or partition:broker pairs',
    parse(text) {
      const items = listItems(text);
      if (items.length === 1 && items[0] === '*') return { ok: '*' };
      if (items.every((item) => /^\d{1,10}:\d{1,10}$/.test(item))) return { ok: items.join(',') };
      return { problem: "must be '*' or a list of partition:broker pairs" };
    },
  };
}

/** The items of a list value; an empty text is an empty list. */
export function listItems(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
