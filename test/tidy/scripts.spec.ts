import { join } from 'node:path';
import { checkWritesLine, readScript } from '@sluice/redis';
import { projectRoot, sourceFiles } from './source-files';

/** Scripts that break the rule of the writes line; the list may only get shorter. */
const offenders: string[] = [];

const scripts = sourceFiles(['libs'], ['.lua'])
  .map(({ path }) => path)
  .filter((path) => !path.includes('/include/'));

describe('Lua scripts', () => {
  it('read, decide, and only then write', () => {
    const faults = scripts
      .filter((path) => !offenders.includes(path))
      .flatMap((path) => checkWritesLine(readScript(join(projectRoot, path))));
    expect(faults).toEqual([]);
  });
});
