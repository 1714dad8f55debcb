import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

export const projectRoot = join(__dirname, '..', '..');

export interface SourceFile {
  /** From the project's top, with slashes. */
  path: string;
  text: string;
  lines: string[];
}

const skipped = new Set(['node_modules', 'dist', 'data', 'coverage']);

/** All files with one of these endings in some top-level folders. */
export function sourceFiles(folders: string[], endings: string[]): SourceFile[] {
  return folders
    .flatMap((folder) => walk(join(projectRoot, folder)))
    .filter((file) => endings.some((ending) => file.endsWith(ending)))
    .sort()
    .map((file) => {
      const text = readFileSync(file, 'utf8');
      return {
        path: relative(projectRoot, file).replaceAll('\\', '/'),
        text,
        lines: text.split('\n'),
      };
    });
}

/** Every file that git tracks. */
export function trackedFiles(): string[] {
  const listed = execFileSync('git', ['ls-files', '-z'], { cwd: projectRoot, encoding: 'utf8' });
  return listed.split('\0').filter(Boolean);
}

function walk(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return [];
    const path = join(folder, entry.name);
    return entry.isDirectory() ? walk(path) : [path];
  });
}
