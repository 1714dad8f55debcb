import { ReplyError } from 'ioredis';
import {
  attempt,
  classify,
  disconnected,
  RedisReplyError,
  RedisUnavailable,
  UnknownOutcome,
} from './errors';

function reply(message: string): Error {
  return Object.assign(new (ReplyError as new (text: string) => Error)(message), {
    command: { name: 'evalsha', args: [Buffer.alloc(10)] },
  });
}

describe('classify', () => {
  it.each([
    ["OOM command not allowed when used memory > 'maxmemory'.", 'out-of-memory'],
    ['MISCONF Redis is configured to save RDB snapshots', 'misconfigured'],
    ["READONLY You can't write against a read only replica.", 'read-only'],
    ['MASTERDOWN Link with MASTER is down', 'read-only'],
    ['NOREPLICAS Not enough good replicas to write.', 'no-replicas'],
    ['LOADING Redis is loading the dataset in memory', 'loading'],
    ['BUSY Redis is busy running a script.', 'busy'],
    ['NOAUTH Authentication required.', 'denied'],
  ])('knows "%s" as not executed', (message, reason) => {
    const error = classify(reply(message), 'log/append');
    expect(error).toBeInstanceOf(RedisUnavailable);
    expect(error).toMatchObject({ reason, message: expect.stringContaining('log/append') });
  });

  it('knows what was not sent', () => {
    const error = new Error("Stream isn't writeable and enableOfflineQueue options is false");
    expect(classify(error)).toMatchObject({ name: 'RedisUnavailable', reason: 'disconnected' });
  });

  it.each(['Connection is closed.', 'read ECONNRESET', 'Command timed out'])(
    'takes "%s" as unknown',
    (message) => {
      const cause = new Error(message);
      const error = classify(cause, 'log/append');
      expect(error).toBeInstanceOf(UnknownOutcome);
      expect(error).toMatchObject({ what: 'log/append', cause });
    },
  );

  it('takes a reply that could not be parsed as unknown', () => {
    const error = new TypeError('Unknown RESP type. Please report this.');
    expect(classify(error)).toBeInstanceOf(UnknownOutcome);
  });

  it('keeps any other reply as an error of Redis, without the command’s arguments', () => {
    const error = classify(reply('WRONGTYPE Operation against a key'), 'HGET');
    expect(error).toBeInstanceOf(RedisReplyError);
    expect(error).toMatchObject({ code: 'WRONGTYPE' });
    expect(error.cause).toBeUndefined();
    expect(Object.keys(error)).not.toContain('command');
    expect(classify(reply('ODD'))).toMatchObject({ code: 'ODD' });
  });

  it('does not keep the bytes of an aborted command', () => {
    const aborted = Object.assign(new Error('Command aborted'), { command: { args: ['x'] } });
    aborted.name = 'AbortError';
    expect(classify(aborted)).toBeInstanceOf(UnknownOutcome);
    expect(classify(aborted).cause).toBeUndefined();
  });

  it('gives back what is classified already, and what is not of Redis', () => {
    const own = disconnected('x');
    const bug = new TypeError('undefined is not a function');
    expect(classify(own)).toBe(own);
    expect(classify(bug)).toBe(bug);
    expect(classify('text').message).toContain('text');
  });

  it('is what attempt throws', async () => {
    expect(await attempt('GET', Promise.resolve(1))).toBe(1);
    const failed = attempt('GET', Promise.reject(reply('OOM full')));
    await expect(failed).rejects.toMatchObject({ reason: 'out-of-memory' });
  });
});
