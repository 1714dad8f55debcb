/**
 * npm run docs: writes the documents that are made from the sources (docs/kafka-api.md, limits.md, settings.md,
 * topic-configs.md). With --check it writes nothing and fails when one of them is out of date.
 *
 * The generators are TypeScript, because they read the real tables: the registered handlers, the settings, the
 * limits. They are compiled as they are loaded, as Jest does it, so no build is needed and none can be stale.
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

/** From here on this process can require TypeScript, and @sluice/… as tsconfig.json maps it. */
function loadTypeScript() {
  const { transformSync } = require('@swc/core');
  const jsc = {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
  };
  Module._extensions['.ts'] = (module, filename) => {
    const source = readFileSync(filename, 'utf8');
    const options = { filename, jsc, module: { type: 'commonjs' }, sourceMaps: 'inline' };
    module._compile(transformSync(source, options).code, filename);
  };
  const resolve = Module._resolveFilename;
  Module._resolveFilename = (request, ...rest) => resolve(mapped(request), ...rest);
}

function mapped(request) {
  const [, library, path] = /^@sluice\/([^/]+)(?:\/(.*))?$/.exec(request) ?? [];
  if (library === undefined) return request;
  return library === 'test'
    ? join(root, 'test', path)
    : join(root, 'libs', library, 'src', path ?? '');
}
