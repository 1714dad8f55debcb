import { builtinModules } from 'node:module';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, relative } from 'node:path';
import { duration, say, Trouble } from './console.mjs';
import { run } from './processes.mjs';
import { readPackage, root } from './project.mjs';

/** What services install by name; the libraries that these import become packages too. */
const wanted = ['transport', 'jobs'];

/** What a package shows beside its index, where it has it: `@sluice/transport/testing`. */
const doors = ['testing'];

/** In a few words, for the registry and for those packages that have no README of their own. */
const descriptions = new Map([
  ['base', 'clock, timers, random, and the ports of log and metrics'],
  ['records', 'record batches as Kafka has them: reading, writing, compression'],
  ['wire', "Kafka's protocol: messages and framing"],
  ['redis', 'connections to Redis, and typed Lua scripts'],
  ['log', 'topics and partitions on Redis Streams: appending and reading'],
  ['groups', 'consumer groups and committed offsets in Redis'],
  ['streams', 'producer and consumer, straight on Redis'],
  [
    'transport',
    'NestJS transport on Redis Streams, with what Kafka has: partitions, groups, replay',
  ],
  ['jobs', 'job-style consumers for NestJS: records of a topic become BullMQ jobs'],
]);

/** What the service has itself, in one copy, and in which versions. */
const peers = new Map([
  ['@nestjs/common', '^11.0.0 || ^12.0.0'],
  ['@nestjs/core', '^11.0.0 || ^12.0.0'],
  ['@nestjs/microservices', '^11.0.0 || ^12.0.0'],
  ['@nestjs/terminus', '^11.0.0 || ^12.0.0'],
  ['@nestjs/testing', '^11.0.0 || ^12.0.0'],
  ['@opentelemetry/api', '^1.4.0'],
  ['@bull-board/api', '^9.0.0'],
  ['@bull-board/express', '^9.0.0'],
  ['bullmq', '^6.0.0'],
  ['ioredis', '^6.0.0'],
  ['prom-client', '^15.0.0'],
  ['reflect-metadata', '^0.1.12 || ^0.2.0'],
  ['rxjs', '^7.1.0'],
]);

/** These a service may do without: they are loaded only where they are used. */
const optionalPeers = new Set([
  '@bull-board/api',
  '@bull-board/express',
  '@nestjs/terminus',
  '@nestjs/testing',
  '@opentelemetry/api',
  'prom-client',
]);

/** Where packages go that are not wanted elsewhere. */
const usualDirectory = join(root, 'dist/packages');

/** @param {string} out where the packages go */
const compiledBelow = (out) => join(out, '.compiled');

/**
 * @typedef {object} PackageManifest
 * @property {string} name
 * @property {string} version
 * @property {Record<string, string>} dependencies
 * @property {Record<string, string>} peerDependencies
 * @property {Record<string, { optional: true }>} peerDependenciesMeta
 */

/**
 * Compiles the libraries and packs each, with all that its code imports as dependencies or peers.
 * @param {string} [out] a folder for nothing else: what is in it goes
 */
export async function packAll(out = usualDirectory) {
  const startedMs = performance.now();
  const compiled = compiledBelow(out);
  rmSync(out, { recursive: true, force: true });
  mkdirSync(compiled, { recursive: true });
  await compile(compiled);
  // Only what is imported from the wanted libraries was compiled.
  const libraries = readdirSync(join(compiled, 'libs')).sort();
  /** @type {Map<string, PackageManifest>} */
  const manifests = new Map(libraries.map((library) => [`@sluice/${library}`, fill(out, library)]));
  for (const library of libraries) finish(out, library, manifests);
  rmSync(compiled, { recursive: true });
  await npmPack(
    out,
    libraries.map((library) => `./${library}`),
  );
  const names = [...manifests.keys()].join(', ');
  const took = duration(performance.now() - startedMs);
  say(`packed ${names} into ${relative(process.cwd(), out)} in ${took}`);
}

/**
 * CommonJS, which both `import` and `require` can load, with declarations.
 * @param {string} compiled where it goes
 */
async function compile(compiled) {
  const entries = wanted.flatMap((library) =>
    ['index', ...doorsOf(library).values()].map((path) => `libs/${library}/src/${path}.ts`),
  );
  const project = join(compiled, 'tsconfig.json');
  const settings = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: {
      rootDir: root,
      outDir: compiled,
      declaration: true,
      sourceMap: false,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
    files: entries.map((file) => join(root, file)),
    references: [],
  };
  writeFileSync(project, JSON.stringify(settings));
  const compiler = join(root, 'node_modules/typescript/bin/tsc');
  const code = await run(process.execPath, [compiler, '-p', project], { cwd: root });
  if (code !== 0) throw new Trouble('the packages could not be compiled; the reasons are above.');
}

/**
 * Where a package's doors lead, below its sources and without the ending.
 * @param {string} library
 * @returns {Map<string, string>}
 */
function doorsOf(library) {
  const sources = join(root, 'libs', library, 'src');
  const found = doors.flatMap((door) =>
    [door, `${door}/index`]
      .filter((path) => existsSync(join(sources, `${path}.ts`)))
      .map((path) => /** @type {const} */ ([door, path])),
  );
  return new Map(found);
}

/**
 * A package's folder, with its code.
 * @param {string} out
 * @param {string} library
 */
function fill(out, library) {
  const folder = join(out, library);
  const code = join(folder, 'dist');
  cpSync(join(compiledBelow(out), 'libs', library, 'src'), code, { recursive: true });
  const sources = join(root, 'libs', library, 'src');
  for (const file of filesBelow(sources).filter((path) => path.endsWith('.lua'))) {
    cpSync(file, join(code, relative(sources, file)));
  }
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  writeFileSync(join(folder, 'README.md'), readmeOf(library));
  return manifestOf(library, importsBelow(code));
}

/**
 * Writes a package's manifest. What the packages that it needs want of the service, it wants too:
 * some package managers hand peers down only to those who name them.
 * @param {string} out
 * @param {string} library
 * @param {ReadonlyMap<string, PackageManifest>} manifests
 */
function finish(out, library, manifests) {
  const own = new Set([`@sluice/${library}`]);
  for (const name of own) {
    for (const dependency of Object.keys(manifests.get(name)?.dependencies ?? {})) {
      if (manifests.has(dependency)) own.add(dependency);
    }
  }
  const all = [...own].flatMap((name) =>
    Object.entries(manifests.get(name)?.peerDependencies ?? {}),
  );
  const peerDependencies = Object.fromEntries(all.sort(([a], [b]) => (a < b ? -1 : 1)));
  const optional = Object.keys(peerDependencies).filter((name) => optionalPeers.has(name));
  const manifest = {
    ...manifests.get(`@sluice/${library}`),
    peerDependencies,
    peerDependenciesMeta: Object.fromEntries(optional.map((name) => [name, { optional: true }])),
  };
  const file = join(out, library, 'package.json');
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
}

/**
 * @param {string} out
 * @param {string[]} folders in it
 */
async function npmPack(out, folders) {
  const args = ['pack', '--silent', '--ignore-scripts', ...folders];
  const npm = process.env.npm_execpath;
  /** @type {import('./processes.mjs').SpawnOptions} */
  const options = { cwd: out, stdio: ['ignore', 'ignore', 'inherit'] };
  const ended = await (npm === undefined
    ? run('npm', args, options)
    : run(process.execPath, [npm, ...args], options));
  if (ended !== 0) throw new Trouble('npm could not pack the packages; its message is above.');
}

/**
 * What `exports` says of a file, named without its ending.
 * @param {string} path
 */
function shown(path) {
  return { types: `./dist/${path}.d.ts`, default: `./dist/${path}.js` };
}

/**
 * @param {string} library
 * @param {ReadonlySet<string>} imported
 */
function manifestOf(library, imported) {
  const { version, license, engines } = readPackage();
  const { dependencies, peerDependencies } = versionsOf(library, imported);
  const others = [...doorsOf(library)].map(([door, path]) => [`./${door}`, shown(path)]);
  return {
    name: `@sluice/${library}`,
    version,
    description: `Sluice: ${descriptions.get(library)}`,
    license,
    keywords: ['nestjs', 'redis', 'redis-streams', 'kafka', 'microservices', 'transport'],
    engines,
    type: 'commonjs',
    main: './dist/index.js',
    types: './dist/index.d.ts',
    exports: {
      '.': shown('index'),
      ...Object.fromEntries(others),
      './package.json': './package.json',
    },
    files: ['dist'],
    dependencies,
    peerDependencies,
    peerDependenciesMeta: {},
  };
}

/**
 * @param {string} library
 * @param {ReadonlySet<string>} imported
 */
function versionsOf(library, imported) {
  const { version, dependencies: known } = readPackage();
  /** @type {Record<string, string>} */
  const dependencies = {};
  /** @type {Record<string, string>} */
  const peerDependencies = {};
  for (const specifier of [...imported].sort()) {
    const [, name = specifier] = /^((?:@[^/]+\/)?[^/]+)/.exec(specifier) ?? [];
    const peer = peers.get(name);
    if (name.startsWith('@sluice/')) {
      checkShown(library, specifier);
      if (name !== `@sluice/${library}`) dependencies[name] = version;
    } else if (peer !== undefined) peerDependencies[name] = peer;
    else if (known[name] !== undefined) dependencies[name] = known[name];
    else throw new Trouble(`libs/${library} imports ${specifier}, which is no dependency.`);
  }
  return { dependencies, peerDependencies };
}

/**
 * What a package imports of another, that one has to show.
 * @param {string} library
 * @param {string} specifier
 */
function checkShown(library, specifier) {
  const [, target = '', door] = /^@sluice\/([^/]+)(?:\/(.+))?$/.exec(specifier) ?? [];
  if (door === undefined || doorsOf(target).has(door)) return;
  throw new Trouble(`libs/${library} imports ${specifier}, which @sluice/${target} does not show.`);
}

/**
 * The packages that code and declarations below a folder name; Node's own are left out.
 * @param {string} folder
 */
function importsBelow(folder) {
  const pattern = /(?:\bfrom|\bimport|\brequire\(|\bimport\()\s*['"]([@\w][\w./@-]*)['"]/g;
  const found = new Set();
  for (const file of filesBelow(folder).filter((path) => /\.(js|d\.ts)$/.test(path))) {
    for (const [, name = ''] of withoutComments(readFileSync(file, 'utf8')).matchAll(pattern)) {
      if (!name.startsWith('node:') && !builtinModules.includes(name)) found.add(name);
    }
  }
  return found;
}

/** @param {string} text */
function withoutComments(text) {
  return text.replace(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '');
}

/**
 * @param {string} folder
 * @returns {string[]}
 */
function filesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

/** @param {string} library */
function readmeOf(library) {
  const own = join(root, 'libs', library, 'README.md');
  if (existsSync(own)) {
    // The project's other documents do not come along.
    return readFileSync(own, 'utf8').replace(/\[([^\]]+)\]\(\.\.\/\.\.\/([^)]+)\)/g, '$1 (`$2`)');
  }
  return `# @sluice/${library}

A part of Sluice: ${descriptions.get(library)}.

It is made for \`@sluice/transport\` and \`@sluice/jobs\`. What it exports may change with each
version; the documented interface is that of those two.
`;
}
