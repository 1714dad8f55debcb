import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './source-files';

type Versions = Record<string, string>;
interface Manifest {
  dependencies?: Versions;
  devDependencies?: Versions;
}

const read = (name: string) => readFileSync(join(projectRoot, name), 'utf8');
const manifest = JSON.parse(read('package.json')) as Required<Manifest>;
const lock = JSON.parse(read('package-lock.json')) as {
  packages: Record<string, Manifest & { resolved?: string; integrity?: string }>;
};

describe('package-lock.json', () => {
  it('is of these packages', () => {
    const { dependencies, devDependencies } = lock.packages['']!;
    expect({ dependencies, devDependencies }).toEqual({
      dependencies: manifest.dependencies,
      devDependencies: manifest.devDependencies,
    });
  });

  // It has to work with any registry and any mirror of one.
  it('names no registry', () => {
    const hosts = [...read('package-lock.json').matchAll(/"resolved": *"([^"]+)"/g)];
    expect(hosts.map(([, host]) => host)).toEqual([]);
    expect(read('.npmrc')).toMatch(/^omit-lockfile-registry-resolved=true$/m);
  });

  it('says of each package what its contents must be', () => {
    const without = Object.entries(lock.packages).filter(
      ([path, { integrity }]) => path !== '' && integrity === undefined,
    );
    expect(without.map(([path]) => path)).toEqual([]);
  });

  // What is written on one platform must not leave out the others' native code.
  it.each(['linux-x64-gnu', 'linux-x64-musl', 'linux-arm64-gnu', 'darwin-arm64'])(
    'has the native code of %s',
    (platform) => {
      const names = Object.keys(lock.packages);
      for (const name of ['@node-rs/crc32', '@swc/core', 'snappy', 'lz4-napi']) {
        const prefix = name === 'snappy' ? '@napi-rs/snappy' : name;
        expect(names.filter((path) => path.includes(`${prefix}-${platform}`))).not.toEqual([]);
      }
    },
  );
});
