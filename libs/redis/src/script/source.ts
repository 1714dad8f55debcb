import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parseScriptHeader, type ScriptHeader } from './header';
import { bindNames } from './names';

/** A script as it is sent to Redis, and where it came from. */
export interface ScriptSource {
  header: ScriptHeader;
  /** With the includes in it, and positions in place of names. */
  text: string;
  /** With the includes in it, and the names as they were written. */
  written: string;
  /** Where each line of both comes from, as `append.lua:12`. */
  origins: readonly string[];
}

/** Pieces that scripts of any library may include. */
const commonFolder = join(__dirname, '..', 'scripts', 'include');

const includePattern = /^\s*---\s*@include\b(.*)$/;

/**
 * Reads a script: puts in what it includes, and positions for the names of its KEYS and ARGV. See
 * docs/lua-scripts.md.
 *
 * @throws Error that names the file, where there is one the line, and what is wrong
 */
export function readScript(file: string): ScriptSource {
  const lines: string[] = [];
  const origins: string[] = [];
  const included = new Set<string>();

  const add = (path: string, above: readonly string[]): void => {
    const text = readFileSync(path, 'utf8').replace(/\n$/, '');
    for (const [index, line] of text.split('\n').entries()) {
      const origin = `${basename(path)}:${index + 1}`;
      const include = includePattern.exec(line);
      if (include === null) {
        lines.push(line);
        origins.push(origin);
        continue;
      }
      const piece = findPiece(dirname(file), include[1]!, origin);
      if (above.includes(piece))
        throw new Error(`${origin} includes itself: ${chain(above, piece)}`);
      if (included.has(piece)) {
        throw new Error(
          `${origin} includes ${basename(piece)} a second time; a piece that others need is ` +
            'included once, by the script itself',
        );
      }
      included.add(piece);
      add(piece, [...above, piece]);
    }
  };

  add(file, [file]);
  const written = lines.join('\n');
  let header: ScriptHeader;
  try {
    header = parseScriptHeader(written);
  } catch (error) {
    throw new Error(`${basename(file)} ${(error as Error).message}`, { cause: error });
  }
  return { header, written, origins, text: bindNames(written, header, origins) };
}

function findPiece(scriptFolder: string, rest: string, origin: string): string {
  const name = /^\s+"([a-z][a-z0-9-]*)"\s*$/.exec(rest)?.[1];
  if (name === undefined) {
    throw new Error(`${origin} must be: --- @include "<name of a file in include/>"`);
  }
  const own = join(scriptFolder, 'include', `${name}.lua`);
  if (existsSync(own)) return own;
  const common = join(commonFolder, `${name}.lua`);
  if (existsSync(common)) return common;
  throw new Error(`${origin} includes "${name}", which is not in include/`);
}

function chain(above: readonly string[], piece: string): string {
  return [...above.slice(above.indexOf(piece)), piece].map((one) => basename(one)).join(' → ');
}
