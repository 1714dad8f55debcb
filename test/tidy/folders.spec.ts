import { readdirSync } from 'node:fs';
import { basename, join, posix } from 'node:path';
import { projectRoot, sourceFiles } from './source-files';

/**
 * What a library's sources are divided into, folders and single files, from the bottom up: each
 * part may import only from those before it.
 */
const parts: Readonly<Record<string, readonly string[]>> = {
  broker: [
    'options.ts',
    'limits.ts',
    'metrics.ts',
    'partitions',
    'examiner',
    'requests',
    'produce',
    'fetch',
    'records-door',
    'admin-requests',
    'group-requests',
    'lag',
    'handlers',
    'listener',
    'broker.ts',
    'broker.module.ts',
    'index.ts',
  ],
};

const importPattern = /(?:from|import)\s*\(?['"](\.[^'"]+)['"]/g;
const sources = sourceFiles(['libs'], ['.ts']).filter(({ path }) => path.includes('/src/'));
const product = sources.filter(({ path }) => !path.endsWith('.spec.ts'));

/** Which part a file belongs to, or what is imported without the ending of its file; -1: none. */
function partAt(library: string, path: string, order: readonly string[]): number {
  const [part] = posix.relative(`libs/${library}/src`, path).split('/');
  return Math.max(order.indexOf(part!), order.indexOf(`${part}.ts`));
}

/** Imports of a library that go from a part to one that is not below it. */
function upwards(library: string, order: readonly string[]): string[] {
  const own = product.filter(({ path }) => path.startsWith(`libs/${library}/src/`));
  return own.flatMap(({ path, text }) => {
    const from = partAt(library, path, order);
    return [...text.matchAll(importPattern)].flatMap(([, target]) => {
      const to = partAt(library, posix.join(posix.dirname(path), target!), order);
      return to >= 0 && to <= from ? [] : [`${path} imports ${target}`];
    });
  });
}

describe.each(Object.entries(parts))('the parts of libs/%s', (library, order) => {
  it('are all named', () => {
    const found = readdirSync(join(projectRoot, 'libs', library, 'src'));
    expect(found.filter((name) => !name.endsWith('.spec.ts')).sort()).toEqual([...order].sort());
  });

  it('import only from those before them', () => {
    expect(upwards(library, order)).toEqual([]);
  });
});

describe('names', () => {
  it('no library has two files of one name, but for the index of a folder', () => {
    const seen = new Map<string, string>();
    const twice: string[] = [];
    for (const { path } of sources.filter(({ path }) => basename(path) !== 'index.ts')) {
      const [, library] = path.split('/');
      const key = `${library}/${basename(path)}`;
      const other = seen.get(key);
      if (other === undefined) seen.set(key, path);
      else twice.push(`${other} and ${path}`);
    }
    expect(twice).toEqual([]);
  });

  it('no folder of a library is called as a library is', () => {
    const libraries = readdirSync(join(projectRoot, 'libs'));
    const alike = sources
      .map(({ path }) => path.split('/').slice(0, -1))
      .filter((folders) => folders.slice(3).some((folder) => libraries.includes(folder)))
      .map((folders) => folders.join('/'));
    expect([...new Set(alike)]).toEqual([]);
  });
});
