import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot, sourceFiles } from './source-files';

/** Libraries from the bottom up: each may import only from those before it. */
const order = ['base', 'records', 'wire', 'redis', 'log', 'groups', 'broker'];

/** Libraries that know nothing of Nest; it belongs to the apps and to modules beside them. */
const nestFree = order;

const importPattern = /(?:from|import|require\()\s*\(?['"]([^'"]+)['"]/g;

function importsOf(text: string): string[] {
  return [...text.matchAll(importPattern)].map((match) => match[1]!);
}

const files = sourceFiles(['libs', 'apps'], ['.ts']);
/** Specs, and what a library's own specs share in its folder `test`. */
const isTest = (path: string) => path.endsWith('.spec.ts') || /^libs\/[^/]+\/test\//.test(path);

describe('the dependency order', () => {
  it('names every library', () => {
    const libraries = readdirSync(join(projectRoot, 'libs'));
    expect([...libraries].sort()).toEqual([...order].sort());
    for (const library of libraries) {
      expect(existsSync(join(projectRoot, 'libs', library, 'src', 'index.ts'))).toBe(true);
    }
  });

  it('is kept: a library imports only from libraries before it', () => {
    const wrong: string[] = [];
    for (const { path, text } of files) {
      const own = /^libs\/([^/]+)\//.exec(path)?.[1];
      if (!own) continue;
      for (const target of importsOf(text)) {
        const imported = /^@sluice\/([^/]+)/.exec(target)?.[1];
        if (imported === undefined || (imported === 'test' && isTest(path))) continue;
        if (order.indexOf(imported) < 0 || order.indexOf(imported) >= order.indexOf(own)) {
          wrong.push(`${path} imports ${target}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });

  it('has no way around: relative imports stay inside their library or app', () => {
    const wrong: string[] = [];
    for (const { path, text } of files) {
      const home = path.split('/').slice(0, 2).join('/');
      for (const target of importsOf(text)) {
        if (!target.startsWith('.')) continue;
        const resolved = join(path, '..', target).replaceAll('\\', '/');
        if (!resolved.startsWith(`${home}/`)) wrong.push(`${path} imports ${target}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('reaches into no library past its index', () => {
    const deep = files.flatMap(({ path, text }) =>
      importsOf(text)
        .filter((target) => /^@sluice\/(?!test\/)[^/]+\//.test(target))
        .map((target) => `${path} imports ${target}`),
    );
    expect(deep).toEqual([]);
  });

  it('keeps Nest out of the libraries', () => {
    const wrong = files
      .filter(({ path }) => nestFree.includes(/^libs\/([^/]+)\//.exec(path)?.[1] ?? ''))
      .filter(({ text }) => importsOf(text).some((target) => target.startsWith('@nestjs/')))
      .map(({ path }) => path);
    expect(wrong).toEqual([]);
  });
});
