import { FakeClock } from '@sluice/test/support/fake-clock';
import { createLogger, nestLogger, type LogFormat, type LogLevel } from './log';

let lines: string[];

beforeEach(() => (lines = []));

function logger(logLevel: LogLevel, logFormat: LogFormat) {
  const clock = new FakeClock(Date.UTC(2026, 0, 2, 3, 4, 5, 678));
  return createLogger({ logLevel, logFormat, clock, write: (line) => void lines.push(line) });
}

test('a line for people has the time of day, the level, the message and its fields', () => {
  logger('info', 'text').warn('it is late', { by: 3, why: 'a long way', where: 'here' });
  expect(lines).toEqual(['03:04:05.678 warn  it is late by=3 why="a long way" where=here\n']);
});

test('a line for programs is one JSON object', () => {
  logger('info', 'json').info('up', { port: 9092 });
  expect(JSON.parse(lines.join(''))).toEqual({
    time: '2026-01-02T03:04:05.678Z',
    level: 'info',
    msg: 'up',
    port: 9092,
  });
  expect(lines.join('')).toMatch(/^\{"level":"info","time":"[^"]+","port":9092,"msg":"up"\}\n$/);
});

test('an error among the fields has its stack, in both forms', () => {
  const error = new Error('no', { cause: new Error('because') });
  logger('info', 'json').error('it failed', { error, with: 'Error: text' });
  const { error: told, with: text } = JSON.parse(lines.join('')) as Record<string, never>;
  expect(told).toMatchObject({ type: 'Error', message: 'no', cause: { message: 'because' } });
  expect(told).toHaveProperty('stack', expect.stringContaining('log.spec.ts'));
  expect(text).toBe('Error: text');
  lines = [];
  logger('info', 'text').error('it failed', { error });
  expect(lines.join('')).toMatch(/ error it failed error="Error: no\\n.+log\.spec\.ts.+"\n$/);
});

test('what is less important than the level is left out', () => {
  const log = logger('warn', 'text');
  log.debug('a');
  log.info('b');
  log.warn('c');
  log.error('d');
  expect(lines.map((line) => line.trim().at(-1))).toEqual(['c', 'd']);
});

test('what Nest says is for debugging; a failed start is explained elsewhere', () => {
  const nest = nestLogger(logger('info', 'text'));
  nest.log('Starting Nest application...', 'NestFactory');
  nest.error(new Error('no Redis'), 'ExceptionHandler');
  nest.error('a hook failed', 'NestApplicationContext');
  expect(lines).toEqual([expect.stringContaining('error a hook failed')]);
});
