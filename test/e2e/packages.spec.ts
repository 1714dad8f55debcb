import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@sluice/test/support/eventually';
import { sharedRedis } from '@sluice/test/support/redis';
import {
  documentedService,
  FreshService,
  installMsMax,
  makePackages,
  packageFolders,
  projectVersion,
  removePackages,
} from './fresh-service';

interface Manifest {
  name: string;
  version: string;
  license: string;
  engines: { node: string };
  exports: Record<string, string | { types: string; default: string }>;
  dependencies: Record<string, string>;
  peerDependencies: Record<string, string>;
  peerDependenciesMeta: Record<string, { optional: true }>;
}

let packages: { folder: string; manifest: Manifest; files: string[] }[];

beforeAll(async () => {
  await makePackages();
  packages = [...packageFolders().values()].map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest,
    files: readdirSync(folder, { recursive: true, encoding: 'utf8' }),
  }));
}, installMsMax);

afterAll(removePackages);

const manifestOf = (name: string) =>
  packages.find(({ manifest }) => manifest.name === name)!.manifest;

describe('the packages', () => {
  it('are those of the transport, of the jobs, and what these import', () => {
    const names = packages.map(({ manifest }) => manifest.name);
    expect(names).toEqual(expect.arrayContaining(['@sluice/transport', '@sluice/jobs']));
    const needed = packages.flatMap(({ manifest }) => Object.keys(manifest.dependencies));
    const ofOurs = needed.filter((name) => name.startsWith('@sluice/'));
    expect(names).toEqual(expect.arrayContaining(ofOurs));
    expect(names).not.toContain('@sluice/broker');
  });

  it('show only files that are in them, with types', () => {
    for (const { folder, manifest } of packages) {
      const shown = Object.values(manifest.exports).flatMap((one) =>
        typeof one === 'string' ? [one] : [one.types, one.default],
      );
      expect(shown).toContain('./dist/index.d.ts');
      expect(shown.filter((file) => !existsSync(join(folder, file)))).toEqual([]);
    }
  });

  it('have no tests in them, and no maps to sources that are not there', () => {
    for (const { folder, files } of packages) {
      expect(files.filter((file) => /\.spec\.|(^|\/)test\/|\.map$/.test(file))).toEqual([]);
      const code = files.filter((file) => file.endsWith('.js'));
      const mapped = code.filter((file) =>
        readFileSync(join(folder, file), 'utf8').includes('sourceMappingURL'),
      );
      expect(mapped).toEqual([]);
    }
  });

  it('have the license, a README, and the Node that the project asks for', () => {
    const { version, engines } = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
    for (const { manifest, files } of packages) {
      expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md']));
      expect(manifest).toMatchObject({ license: 'MIT', version, engines });
    }
  });

  it('have the scripts that the project has', () => {
    for (const { folder, manifest, files } of packages) {
      const sources = join('libs', manifest.name.replace('@sluice/', ''), 'src');
      const scripts = readdirSync(sources, { recursive: true, encoding: 'utf8' });
      for (const script of scripts.filter((file) => file.endsWith('.lua'))) {
        expect(files).toContain(join('dist', script));
        const text = readFileSync(join(folder, 'dist', script), 'utf8');
        expect(text).toBe(readFileSync(join(sources, script), 'utf8'));
      }
    }
  });

  it('name each other by exact versions, and of the service what it has itself', () => {
    const { dependencies, peerDependencies, version } = manifestOf('@sluice/transport');
    expect(dependencies['@sluice/streams']).toBe(version);
    expect(peerDependencies).toMatchObject({
      '@nestjs/common': '^11.0.0 || ^12.0.0',
      '@nestjs/microservices': '^11.0.0 || ^12.0.0',
      ioredis: '^6.0.0',
      rxjs: '^7.1.0',
    });
    for (const { manifest } of packages) {
      const names = Object.keys(manifest.dependencies);
      expect(names.filter((name) => /^@nestjs\/|^(ioredis|bullmq|rxjs)$/.test(name))).toEqual([]);
      expect(Object.values(manifest.dependencies).join(' ')).not.toMatch(/[\^~*]/);
    }
  });
});

describe('the getting-started', () => {
  it('has less than 30 lines of code', () => {
    expect(documentedService().split('\n').filter(Boolean).length).toBeLessThan(30);
  });

  // With NestJS 12 from the project's own node_modules; with npm, and NestJS 11:
  // packages-npm-registry.spec.ts.
  it(
    'compiles and works in a folder outside the project, without a registry',
    async () => {
      const service = new FreshService('commonjs');
      try {
        await service.link();
        await service.compile();
        await service.start((await sharedRedis()).adminUrl);
        const order = { customer: 'alice', total: 12 };
        const sent = await service.post('/orders', order);
        expect(sent).toMatchObject({ topic: 'orders', partition: 0, offset: 0 });
        await eventually(() => service.output.includes('0/0 alice 12'));
      } finally {
        await service.remove();
      }
      expect(projectVersion('@nestjs/core')).toMatch(/^12\./);
    },
    installMsMax,
  );
});
