'use strict';

/** SWC compiles our TypeScript, and packages published as ES modules, to CommonJS for Jest. */
const swc = (parser) => [
  '@swc/jest',
  {
    jsc: {
      target: 'es2022',
      keepClassNames: true,
      parser,
      transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
    },
    module: { type: 'commonjs' },
    sourceMaps: true,
  },
];

module.exports = {
  rootDir: __dirname,
  roots: ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/test'],
  testEnvironment: 'node',
  testRegex: '\\.spec\\.ts$',
  moduleFileExtensions: ['ts', 'js', 'json', 'node'],
  moduleNameMapper: {
    '^@sluice/test/(.*)$': '<rootDir>/test/$1',
    '^@sluice/([^/]+)$': '<rootDir>/libs/$1/src',
    '^@sluice/([^/]+)/(.*)$': '<rootDir>/libs/$1/src/$2',
    // What is loaded later is named with its ending, as ES modules are.
    '^(.*)/admin-app\\.js$': '$1/admin-app',
    '^\\./start-thread$': '<rootDir>/test/support/start-typescript-thread.ts',
  },
  transformIgnorePatterns: ['/node_modules/(?!(@nestjs|@cloudpss|@platformatic)/)'],
  transform: {
    '^.+\\.ts$': swc({ syntax: 'typescript', decorators: true }),
    '^.+\\.js$': swc({ syntax: 'ecmascript' }),
  },
  testTimeout: 240_000,
};
