import { join } from 'node:path';
import { sourceFiles, type SourceFile } from './source-files';

/** Libraries from the bottom up: each may import only from those before it. */
export const libraries: readonly string[] = [
  'base',
  'records',
  'wire',
  'redis',
  'log',
  'cluster',
  'groups',
  'retention',
  'broker',
  'admin',
  'process',
  'streams',
  'transport',
  'jobs',
];

const importPattern = /(?:from|import|require\()\s*\(?['"]([^'"]+)['"]/g;

/** What a source file imports, as it is written there. */
export function importsOf(text: string): string[] {
  return [...text.matchAll(importPattern)].map((match) => match[1]!);
}

/** The sources of libraries and apps. */
export const houseFiles: readonly SourceFile[] = sourceFiles(['libs', 'apps'], ['.ts']);

/** Specs, and what a library's own specs share in its folder `test`. */
export function isTest(path: string): boolean {
  return path.endsWith('.spec.ts') || /^libs\/[^/]+\/test\//.test(path);
}

/** `libs/log`, `apps/gateway`. */
export function homeOf(path: string): string {
  return path.split('/').slice(0, 2).join('/');
}

/** The thin Nest module beside a library: `libs/log/src/log.module.ts`, and no other file. */
export function isModule(path: string): boolean {
  const [, library, name] = /^libs\/([^/]+)\/src\/([^/]+)\.module\.ts$/.exec(path) ?? [];
  return library !== undefined && library === name;
}

/** Where a relative import of a file leads. */
export function resolved(path: string, target: string): string {
  return join(path, '..', target).replaceAll('\\', '/');
}
