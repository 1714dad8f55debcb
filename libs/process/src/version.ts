import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The project's version: of the nearest package.json above this file, compiled or not. */
export function projectVersion(from: string = __dirname): string {
  const file = join(from, 'package.json');
  if (existsSync(file)) {
    return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
  }
  const parent = dirname(from);
  if (parent === from) throw new Error('no package.json above the program');
  return projectVersion(parent);
}
