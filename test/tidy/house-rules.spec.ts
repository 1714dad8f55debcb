import * as ts from 'typescript';
import { projectRoot, sourceFiles, trackedFiles, type SourceFile } from './source-files';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const limits = { functionLines: 70, columns: 100, fileLines: 400, specLines: 800, luaLines: 120 };

/** Offenders that are known; the list may only get shorter. */
const longFunctions: string[] = [];

const typescript = sourceFiles(['libs', 'apps', 'test'], ['.ts']);
/** What runs before anything is compiled; its types are in comments. */
const scripts = sourceFiles(['scripts'], ['.mjs', '.cjs']);
const code = [...typescript, ...scripts];
const product = typescript.filter(
  ({ path }) => !path.endsWith('.spec.ts') && !/(?:^|\/)test\//.test(path),
);
/**
 * The only files of libraries that may ask the machine for time and randomness, and the one that
 * ends a process.
 */
const ambientPorts = [
  'libs/base/src/clock.ts',
  'libs/base/src/random.ts',
  'libs/process/src/run-program.ts',
];
const jestConfig = readFileSync(join(projectRoot, 'jest.config.js'), 'utf8');
const lua = sourceFiles(['libs'], ['.lua']);
const isSpec = ({ path }: SourceFile) => path.endsWith('.spec.ts');

/** Functions that are too long, with the lines they have. */
function longFunctionsIn({ path, text }: SourceFile): string[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body) {
      const first = source.getLineAndCharacterOfPosition(node.getStart(source)).line;
      const last = source.getLineAndCharacterOfPosition(node.getEnd()).line;
      const lines = last - first + 1;
      if (lines > limits.functionLines) {
        found.push(`${path}:${first + 1} ${node.name?.getText(source) ?? 'function'} (${lines})`);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

describe('the house rules', () => {
  it(`functions have at most ${limits.functionLines} lines`, () => {
    expect([...product, ...scripts].flatMap(longFunctionsIn)).toEqual(longFunctions);
  });

  it('files have one purpose, and so few lines', () => {
    const long = [
      ...code.map((file) => ({
        file,
        max: isSpec(file) ? limits.specLines : limits.fileLines,
      })),
      ...lua.map((file) => ({ file, max: limits.luaLines })),
    ]
      .filter(({ file, max }) => file.lines.length - 1 > max)
      .map(({ file }) => `${file.path} (${file.lines.length - 1})`);
    expect(long).toEqual([]);
  });

  it(`lines of code have at most ${limits.columns} columns`, () => {
    const long = [...code, ...lua].flatMap(({ path, lines }) =>
      lines.flatMap((line, i) => (line.length > limits.columns ? [`${path}:${i + 1}`] : [])),
    );
    expect(long).toEqual([]);
  });

  it('no test has less time than all have: a busy machine is slow', () => {
    const all = Number(/testTimeout: ([\d_]+)/.exec(jestConfig)![1]!.replaceAll('_', ''));
    const less = typescript.filter(isSpec).flatMap(({ path, text }) =>
      [...text.matchAll(/^ *\}, ([\d_]+)\);|^ *([\d_]+),\n *\);|jest\.setTimeout\(([\d_]+)\)/gm)]
        .map(([, ...found]) => Number(found.find(Boolean)!.replaceAll('_', '')))
        .filter((ms) => ms >= 1_000 && ms <= all)
        .map((ms) => `${path}: ${ms}`),
    );
    expect(less).toEqual([]);
  });

  it('time, randomness and the environment come from outside', () => {
    const ambient =
      /\bDate\.now\(|new Date\(\)|\bMath\.random\(|\bprocess\.env\b|(?<![.\w])setTimeout\(/;
    const wrong = product
      .filter(({ path }) => path.startsWith('libs/') && !ambientPorts.includes(path))
      .filter(({ text }) => ambient.test(text))
      .map(({ path }) => path);
    expect(wrong).toEqual([]);
  });

  it('nothing is left for later in place of code', () => {
    const later = new RegExp(['TO', 'DO|FIX', 'ME|XX', 'X\\b|not implem', 'ented'].join(''));
    const wrong = [...code, ...lua].filter(({ text }) => later.test(text)).map(({ path }) => path);
    expect(wrong).toEqual([]);
  });

  it('no file tells of the machine that it was written on', () => {
    const machine = /(?:^|[\s"'`(=])\/(?:work|farm|root|home\/\w+)\//m;
    const texts = /\.(ts|mjs|js|json|lua|md|yml|yaml|sh)$|^\.ci\/|Dockerfile/;
    const wrong = trackedFiles()
      .filter((path) => texts.test(path) && existsSync(join(projectRoot, path)))
      .filter((path) => machine.test(readFileSync(join(projectRoot, path), 'utf8')));
    expect(wrong).toEqual([]);
  });
});
