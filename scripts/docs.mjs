/**
 * npm run docs: writes the documents that are made from the sources (docs/kafka-api.md, limits.md,
 * settings.md, topic-configs.md, and the house in architecture.md). With --check it writes nothing
 * and fails when one of them is out of date.
 *
 * The generators are TypeScript, because they read the real tables: the registered handlers, the
 * settings, the limits. They are compiled as they are loaded, as Jest does it, so no build is
 * needed and none can be stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import Module, { createRequire } from 'node:module';
import { join } from 'node:path';
import { complain, say } from './parts/console.mjs';
import { ensureInstalled } from './parts/install.mjs';
import { readIfThere, root } from './parts/project.mjs';

const require = createRequire(import.meta.url);

try {
  await ensureInstalled();
  loadTypeScript();
  await run(process.argv.includes('--check'));
} catch (error) {
  complain(error);
  process.exitCode = 1;
}

/** @param {boolean} checkOnly */
async function run(checkOnly) {
  const { documentNames, generate } = require(join(root, 'test/docs/documents.ts'));
  for (const name of documentNames) {
    const file = join(root, 'docs', name);
    const text = await generate(name);
    if (readIfThere(file) === text) continue;
    say(`docs/${name} ${checkOnly ? 'is out of date' : 'written'}`);
    if (checkOnly) process.exitCode = 1;
    else writeFileSync(file, text);
  }
}

/**
 * What Node's module loader lets a program change, and its types do not say.
 * @typedef {object} Loader
 * @property {Record<string, (module: { _compile(code: string, file: string): void },
 *   file: string) => void>} _extensions
 * @property {(request: string, ...rest: unknown[]) => string} _resolveFilename
 */

/** From here on this process can require TypeScript, and @sluice/… as tsconfig.json maps it. */
function loadTypeScript() {
  const { transformSync } = require('@swc/core');
  /** @type {import('@swc/core').JscConfig} */
  const jsc = {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
  };
  const loader = /** @type {Loader} */ (/** @type {unknown} */ (Module));
  loader._extensions['.ts'] = (module, filename) => {
    const source = readFileSync(filename, 'utf8');
    /** @type {import('@swc/core').Options} */
    const options = { filename, jsc, module: { type: 'commonjs' }, sourceMaps: 'inline' };
    module._compile(transformSync(source, options).code, filename);
  };
  const resolve = loader._resolveFilename;
  loader._resolveFilename = (request, ...rest) => resolve(mapped(request), ...rest);
}

/** @param {string} request */
function mapped(request) {
  const [, library, path = ''] = /^@sluice\/([^/]+)(?:\/(.*))?$/.exec(request) ?? [];
  if (library === undefined) return request;
  return library === 'test' ? join(root, 'test', path) : join(root, 'libs', library, 'src', path);
}
