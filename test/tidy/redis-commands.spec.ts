import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aclLine, commandName, neededCommands, optionalCommands } from '@sluice/redis';
import { projectRoot, sourceFiles } from './source-files';

/** What of a connection is no command. */
const noCommands = new Set(
  (
    'on once off status stream options hold connect disconnect close drain call ' +
    'transaction suspect keep'
  ).split(' '),
);

const known = new Set(
  [...neededCommands, ...Object.keys(optionalCommands)].map((one) => one.split(' ')[0]!),
);

function unknownIn(files: { path: string; text: string }[], pattern: RegExp): string[] {
  return files.flatMap(({ path, text }) =>
    [...text.matchAll(pattern)]
      .map((match) => match[1]!)
      .filter((name) => !noCommands.has(name) && !known.has(name.toUpperCase()))
      .map((name) => `${path} uses ${name.toUpperCase()}`),
  );
}

/**
 * The scripts behind what libs/retention and libs/jobs call of BullMQ, behind what a handler may
 * call of its job, and behind the buttons of Bull Board.
 */
const usedBullScripts = new Set(
  (
    'addJobScheduler updateJobScheduler removeJobScheduler getJobScheduler ' +
    'addStandardJob addDelayedJob moveToActive moveToFinished moveToDelayed ' +
    'moveStalledJobsToWait moveJobFromActiveToWait extendLocks retryJob reprocessJob ' +
    'getCounts getJobs getRanges getState getStateV2 isFinished removeJob ' +
    'removeOrphanedJobs saveStacktrace promote ' +
    'addPrioritizedJob extendLock releaseLock isMaxed getRateLimitTtl isJobInList ' +
    'updateProgress updateData addLog changeDelay changePriority moveJobsToWait ' +
    'getCountsPerPriority getDependencyCounts getMetrics paginate removeDeduplicationKey ' +
    'pause drain cleanJobsInSet obliterate'
  ).split(' '),
);

const bullScripts = jest.requireActual<Record<string, { content: string }>>(
  join(projectRoot, 'node_modules/bullmq/dist/cjs/scripts/index.js'),
);

/** The start checks the rights for what libs/redis/src/needs.ts lists, and for nothing else. */
describe('commands of Redis', () => {
  it('that scripts use are among those checked at the start', () => {
    const scripts = sourceFiles(['libs'], ['.lua']);
    expect(unknownIn(scripts, /\bp?call\(\s*'([A-Z]+)'/g)).toEqual([]);
  });

  it('that the libraries send are among those checked at the start', () => {
    const isTest = /\.spec\.ts$|^libs\/[^/]+\/test\//;
    const files = sourceFiles(['libs'], ['.ts']).filter(({ path }) => !isTest.test(path));
    const sent = /\b(?:write|durable|read|entries|connection|redis)\s*\.([a-z]+)(?:Buffer)?\(/g;
    const onLinks = files.filter(({ text }) => text.includes('@sluice/redis'));
    expect(unknownIn(onLinks, sent)).toEqual([]);
  });

  it('that the scripts of BullMQ use are among those checked at the start', () => {
    const scripts = Object.entries(bullScripts).filter(([name]) => usedBullScripts.has(name));
    expect(scripts).toHaveLength(usedBullScripts.size);
    const files = scripts.map(([name, { content }]) => ({ path: name, text: content }));
    expect(unknownIn(files, /\b(?:r?call)\(\s*["']([A-Za-z]+)["']/g)).toEqual([]);
    expect(unknownIn(files, /["']([LR]PUSH)["']/g)).toEqual([]);
  });

  it('stand in docs/redis.md as the start wants them', () => {
    const docs = readFileSync(join(projectRoot, 'docs/redis.md'), 'utf8');
    const line = /^ACL SETUSER .*\n(?: {2}\+.*\n)+/m.exec(docs)?.[0] ?? '';
    const granted = [...line.matchAll(/\+([\w|]+)/g)].map((match) => match[1]);
    const wanted = [...aclLine('sluice', 'sluice:').matchAll(/\+([\w|]+)/g)].map(
      (match) => match[1],
    );
    expect(granted).toEqual(wanted);
    expect(wanted).toContain(commandName('SCRIPT LOAD script').toLowerCase());
  });
});
