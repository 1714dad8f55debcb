'use strict';

/**
 * Lets a thread or a process of a test require our TypeScript, as Jest does it in the test itself.
 */
const { transformSync } = require('@swc/core');
const { readFileSync } = require('node:fs');
const Module = require('node:module');
const { join } = require('node:path');

const libraries = join(__dirname, '..', '..', 'libs');

const options = {
  swcrc: false,
  jsc: {
    target: 'es2022',
    parser: { syntax: 'typescript', decorators: true },
    transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
  },
  module: { type: 'commonjs' },
  sourceMaps: 'inline',
};

Module._extensions['.ts'] = (module, filename) => {
  const { code } = transformSync(readFileSync(filename, 'utf8'), { ...options, filename });
  module._compile(code, filename);
};

const resolve = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) => {
  const [, library, file = 'index'] = /^@sluice\/([^/]+)(?:\/(.*))?$/.exec(request) ?? [];
  if (library === 'test') return resolve(join(__dirname, '..', `${file}.ts`), ...rest);
  return resolve(library ? join(libraries, library, 'src', `${file}.ts`) : request, ...rest);
};
