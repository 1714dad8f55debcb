import { posix } from 'node:path';
import {
  homeOf,
  houseFiles,
  importsOf,
  isTest,
  libraries,
  resolved,
} from '@sluice/test/tidy/libraries';

const isNest = (path: string) => path.endsWith('.module.ts');
const product = houseFiles.filter(({ path }) => !isTest(path));

/** `begin` and `end` of what is made; what stands around it is written by hand. */
const begin = '<!-- The house: made from the imports by `npm run docs`. Do not edit. -->';
const end = '<!-- End of the house. -->';

/** The text of docs/architecture.md with the house drawn again, from the imports as they are. */
export function withHouse(page: string): string {
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (after === undefined) throw new Error('docs/architecture.md has no place for the house');
  return `${before}${begin}\n\n${house()}\n\n${end}${after}`;
}

function house(): string {
  const apps = [...new Set(product.map(({ path }) => homeOf(path)))].filter((home) =>
    home.startsWith('apps/'),
  );
  return [
    table(
      ['Library or app', 'Imports', 'Its Nest module imports those of'],
      [...libraries.map((name) => `libs/${name}`), ...apps].map((home) => [
        `\`${home}\``,
        librariesOf((path) => homeOf(path) === home && !isNest(path)),
        librariesOf((path) => homeOf(path) === home && isNest(path), '.module'),
      ]),
    ),
    'Folders inside the libraries, with what they import of each other and of the libraries:',
    table(
      ['Folder', 'Other folders', 'Libraries'],
      folders().map((folder) => [
        `\`${folder}\``,
        foldersOf(folder),
        librariesOf((path) => folderOf(path) === folder),
      ]),
    ),
  ].join('\n\n');
}

/** One row of a table. */
function line(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function table(head: readonly string[], rows: readonly string[][]): string {
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** The libraries that some files import, in their order. */
function librariesOf(isOne: (path: string) => boolean, ending = ''): string {
  const found = new Set<string>();
  const targets = product.flatMap((file) => (isOne(file.path) ? importsOf(file.text) : []));
  for (const target of targets) {
    const [, library, inside = ''] = /^@sluice\/([^/]+)(?:\/(.*))?$/.exec(target) ?? [];
    if (library !== undefined && inside.endsWith(ending)) found.add(library);
  }
  return libraries.filter((name) => found.has(name)).join(', ');
}

/** `log/topics`, or undefined for a file that lies in no folder of its library. */
function folderOf(path: string): string | undefined {
  const [, library, folder] = /^libs\/([^/]+)\/src\/([^/]+)\/./.exec(path) ?? [];
  return library === undefined ? undefined : `${library}/${folder}`;
}

/** Where the library of a folder stands in the order. */
function orderOf(folder: string): number {
  return libraries.indexOf(posix.dirname(folder));
}

function folders(): string[] {
  const all = new Set(product.flatMap(({ path }) => folderOf(path) ?? []));
  return [...all].sort((a, b) => orderOf(a) - orderOf(b) || (a < b ? -1 : 1));
}

/** The other folders of its library that a folder imports. */
function foldersOf(folder: string): string {
  const found = new Set<string>();
  for (const { path, text } of product.filter(({ path }) => folderOf(path) === folder)) {
    for (const target of importsOf(text).filter((target) => target.startsWith('.'))) {
      const other = folderOf(`${resolved(path, target)}.ts`);
      if (other !== undefined && other !== folder) found.add(posix.basename(other));
    }
  }
  return [...found].sort().join(', ');
}
