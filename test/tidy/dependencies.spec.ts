import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { homeOf, houseFiles, importsOf, isModule, isTest, libraries, resolved } from './libraries';
import { projectRoot } from './source-files';

/** All imports of all files that do not keep a rule, in words. */
function offenders(breaks: (path: string, target: string) => boolean): string[] {
  return houseFiles.flatMap(({ path, text }) =>
    importsOf(text)
      .filter((target) => breaks(path, target))
      .map((target) => `${path} imports ${target}`),
  );
}

describe('the dependency order', () => {
  it('names every library', () => {
    const present = readdirSync(join(projectRoot, 'libs'));
    expect([...present].sort()).toEqual([...libraries].sort());
    for (const library of present) {
      expect(existsSync(join(projectRoot, 'libs', library, 'src', 'index.ts'))).toBe(true);
    }
  });

  it('is kept: a library imports only from libraries before it', () => {
    const wrong = offenders((path, target) => {
      const own = /^libs\/([^/]+)\//.exec(path)?.[1];
      const imported = /^@sluice\/([^/]+)/.exec(target)?.[1];
      if (own === undefined || imported === undefined) return false;
      if (imported === 'test' && isTest(path)) return false;
      const at = libraries.indexOf(imported);
      return at < 0 || at >= libraries.indexOf(own);
    });
    expect(wrong).toEqual([]);
  });

  it('has no way around: relative imports stay inside their library or app', () => {
    const wrong = offenders(
      (path, target) =>
        target.startsWith('.') && !resolved(path, target).startsWith(`${homeOf(path)}/`),
    );
    expect(wrong).toEqual([]);
  });

  it('reaches into no library past its index, but for the Nest module beside it', () => {
    const wrong = offenders((path, target) => {
      const [, library, inside] = /^@sluice\/(?!test\/)([^/]+)\/(.+)$/.exec(target) ?? [];
      if (library === undefined) return false;
      const mayUseModules = isModule(path) || path.startsWith('apps/');
      return !mayUseModules || inside !== `${library}.module`;
    });
    expect(wrong).toEqual([]);
  });

  // libs/admin is HTTP made with Nest: controllers, pipes and filters; libs/transport and libs/jobs
  // are what services made with Nest use.
  it('keeps Nest out of the libraries, but for those that are about it and the modules', () => {
    const wrong = offenders(
      (path, target) =>
        /^libs\/(?!(admin|transport|jobs)\/)/.test(path) &&
        target.startsWith('@nestjs/') &&
        !isModule(path),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps ioredis in libs/redis: others have its types from there', () => {
    const wrong = offenders(
      (path, target) => target === 'ioredis' && !path.startsWith('libs/redis/'),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps the modules apart: no other file of a library imports one', () => {
    const wrong = offenders(
      (path, target) => path.startsWith('libs/') && target.endsWith('.module') && !isModule(path),
    );
    expect(wrong).toEqual([]);
  });
});

describe('nest-cli.json', () => {
  const { projects } = JSON.parse(readFileSync(join(projectRoot, 'nest-cli.json'), 'utf8')) as {
    projects: Record<string, { sourceRoot: string; compilerOptions: { tsConfigPath: string } }>;
  };

  it.each(libraries)(
    'has libs/%s as a project, so that nest generate knows where it is',
    (name) => {
      const project = projects[name]!;
      expect(project.sourceRoot).toBe(`libs/${name}/src`);
      expect(existsSync(join(projectRoot, project.compilerOptions.tsConfigPath))).toBe(true);
    },
  );
});
