import { parseReplies } from './header';
import { withoutComments } from './names';
import type { ScriptSource } from './source';

/** Stands alone in a line: above it a script reads and decides, below it it writes. */
const writesLine = '-- ── writes ──';

/** What only reads; each other command counts as one that writes. */
const readingCommands = new Set(
  (
    'EXISTS GET GETRANGE HEXISTS HGET HGETALL HKEYS HLEN HMGET HSCAN HSTRLEN LINDEX LLEN ' +
    'LRANGE MGET PTTL SCARD SISMEMBER SMEMBERS SMISMEMBER SSCAN STRLEN TIME TTL TYPE XINFO XLEN ' +
    'XPENDING XRANGE XREVRANGE ZCARD ZCOUNT ZRANGE ZRANGEBYSCORE ZSCAN ZSCORE'
  ).split(' '),
);
const publishing = new Set(['PUBLISH', 'SPUBLISH']);

/** A call, also by `local call = redis.call`; a bare `pcall` is Lua's own. */
const callPattern = /(?:\bredis\.(p?call)|(?<![.\w])(call))\(\s*(?:'([A-Za-z]+)')?/g;
/** What ends a script with an error. */
const raisePattern = /\b(error|assert|redis\.error_reply|cjson\.decode|cmsgpack\.unpack)\(/g;

/**
 * Checks that a script reads, decides, and only then writes: Redis does not roll back, so below the
 * writes line stands nothing that can be refused for a reason of its own. That is
 * - a command that reads (it may be forbidden to the user, as TIME often is),
 * - PUBLISH by `redis.call` (the channel may be forbidden): `redis.pcall`, and the answer passed
 *   over,
 * - whatever raises an error: `error`, `assert`, `cjson.decode`,
 * - a reply of those that the header calls REFUSED.
 *
 * @returns what breaks the rule, each with its file and line; empty for a script that keeps it
 */
export function checkWritesLine({ written, origins, header }: ScriptSource): string[] {
  const faults: string[] = [];
  const code = withoutComments(written);
  const lines = written.split('\n');
  const marks = lines.flatMap((line, index) => (line.trim() === writesLine ? [index] : []));
  const mark = marks[0] ?? Infinity;
  if (marks.length > 1) faults.push(`${origins[marks[1]!]} has the writes line a second time`);
  const lineAt = (at: number): number => code.slice(0, at).split('\n').length - 1;
  const fault = (line: number, what: string): void => void faults.push(`${origins[line]} ${what}`);

  for (const match of code.matchAll(callPattern)) {
    const [, call, , name = 'some command'] = match;
    const line = lineAt(match.index);
    const command = name.toUpperCase();
    const reads = readingCommands.has(command);
    if (!reads && line < mark) fault(line, `calls ${name} above the writes line`);
    if (reads && line > mark) fault(line, `calls ${name}, which reads, below the writes line`);
    if (publishing.has(command) && call !== 'pcall') fault(line, `calls ${name} without pcall`);
  }
  for (const match of code.matchAll(raisePattern)) {
    const line = lineAt(match.index);
    if (line > mark) fault(line, `calls ${match[1]}, which may raise, below the writes line`);
  }
  const refusals = parseReplies(header.refused).map(({ tag }) => tag);
  for (const match of code.matchAll(/\breturn\s*\{\s*'([a-z0-9-]+)'/g)) {
    const line = lineAt(match.index);
    const refuses = refusals.includes(match[1]!);
    if (refuses && line > mark) fault(line, `refuses with '${match[1]}' below the writes line`);
  }
  return faults;
}
