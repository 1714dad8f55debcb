import { StreamContext, type StreamAction, type StreamAttempt } from '../context/stream-context';
import {
  RetriableStreamException,
  UnrecoverableStreamException,
} from '../errors/stream-exceptions';
import { backoffOf, jittered, jitterOf } from './backoff';
import { policyOf } from './policy';
import { verdictOn, type AttemptEnd } from './verdict';

const failed = (error: unknown, action: StreamAction | null = null): AttemptEnd => ({
  kind: 'failed',
  action,
  error,
});
const policy = policyOf({ retry: { attempts: 3, backoff: () => 70 } }, {}, false);
const kindOf = (end: AttemptEnd, attempt = 1, of = policy) => verdictOn(end, attempt, 0, of).kind;

describe('a verdict', () => {
  it('follows what the handler returned or threw', () => {
    expect(kindOf({ kind: 'returned', action: null })).toBe('acknowledge');
    expect(verdictOn(failed(new Error('no')), 1, 0, policy)).toEqual({
      kind: 'retry',
      delayMs: 70,
      isFailure: true,
    });
    expect(kindOf(failed(new Error('no')), 2)).toBe('retry');
    expect(verdictOn(failed('no'), 3, 0, policy)).toEqual({
      kind: 'dead-letter',
      reason: 'attempts-exhausted',
      error: 'no',
    });
    expect(kindOf(failed(new UnrecoverableStreamException('never')))).toBe('dead-letter');
    const later = new RetriableStreamException('later', { delayMs: 5 });
    expect(verdictOn(failed(later), 1, 0, policy)).toMatchObject({ delayMs: 5 });
  });

  it('follows what the handler asked for, whatever else it did; attempts stay bounded', () => {
    const retry = { kind: 'retry', delayMs: 9, isFailure: true } as const;
    expect(kindOf(failed(new Error('late'), { kind: 'acknowledge' }))).toBe('acknowledge');
    expect(kindOf({ kind: 'returned', action: { kind: 'skip', reason: 'x' } })).toBe('skip');
    expect(verdictOn({ kind: 'returned', action: retry }, 2, 0, policy)).toMatchObject({
      kind: 'retry',
      delayMs: 9,
    });
    expect(kindOf({ kind: 'returned', action: retry }, 3)).toBe('dead-letter');
    const limited = { ...retry, isFailure: false };
    expect(kindOf({ kind: 'returned', action: limited }, 3)).toBe('retry');
    const once = policyOf({ delivery: 'at-most-once' }, {}, false);
    expect(kindOf({ kind: 'returned', action: limited }, 1, once)).toBe('dead-letter');
  });

  it.each([Number.NaN, Infinity, -1])('waits as the policy says, not for %d ms', (delayMs) => {
    const later = new RetriableStreamException('later', { delayMs });
    expect(verdictOn(failed(later), 1, 0, policy)).toMatchObject({ delayMs: 70 });
    const act = jest.fn();
    const context = new StreamContext({ act } as unknown as StreamAttempt);
    expect(() => context.retry({ delayMs })).toThrow(RangeError);
    expect(act).not.toHaveBeenCalled();
  });

  it('knows an exception of another copy of the package', () => {
    const foreign = Object.assign(new Error('never'), {
      [Symbol.for('sluice:stream-exception')]: 'unrecoverable',
    });
    expect(kindOf(failed(foreign))).toBe('dead-letter');
  });
});

describe('the waits between attempts', () => {
  it('double up to their bound, or stay the same', () => {
    const grows = backoffOf({ delayMs: 100, delayMsMax: 450 });
    expect([1, 2, 3, 4, 40].map((attempt) => grows(attempt, null))).toEqual([
      100, 200, 400, 450, 450,
    ]);
    expect(backoffOf({ type: 'fixed', delayMs: 30 })(7, null)).toBe(30);
  });

  it('are shortened by no more than the jitter, and not all alike', () => {
    const waits = Array.from({ length: 200 }, (_, offset) => jittered(1_000, 0.3, offset, 1));
    for (const wait of waits) {
      expect(wait).toBeGreaterThanOrEqual(700);
      expect(wait).toBeLessThanOrEqual(1_000);
    }
    expect(new Set(waits).size).toBeGreaterThan(100);
    expect(jittered(1_000, 0, 5, 1)).toBe(1_000);
    expect(jittered(Infinity, 0, 5, 1)).toBeLessThan(2 ** 31);
    expect(jittered(Number.NaN, 0, 5, 1)).toBeGreaterThan(0);
  });

  it('are refused where they make no sense', () => {
    expect(() => backoffOf({ delayMs: -1 })).toThrow(RangeError);
    expect(() => jitterOf({ jitter: 2 })).toThrow(RangeError);
  });
});

describe('a policy', () => {
  it('is the handler’s, else the server’s, else the default', () => {
    const server = { concurrency: 4, deadLetter: false, retry: { attempts: 9 } };
    expect(policyOf({ concurrency: 2 }, server, false)).toMatchObject({
      concurrency: 2,
      attempts: 9,
      hasDeadLetters: false,
      orderedBy: 'key',
    });
    expect(policyOf({}, {}, false)).toMatchObject({
      concurrency: 1,
      attempts: 5,
      retryMode: 'in-place',
    });
  });

  it('answers requests side by side and once, whatever the server says of events', () => {
    expect(policyOf({}, { concurrency: 1, retry: { attempts: 9 } }, true)).toMatchObject({
      attempts: 1,
      hasDeadLetters: false,
      orderedBy: 'none',
      concurrency: 64,
    });
  });

  it.each([
    { concurrency: 0 },
    { concurrency: 1.5 },
    { batch: { size: 0 } },
    { batch: { waitMs: -1 } },
    { retry: { attempts: 0 } },
    { handlerTimeoutMs: Number.NaN },
    { deadLetter: { topic: 'no such name' } },
  ])('is refused with %j', (options) => {
    expect(() => policyOf(options, {}, false)).toThrow(/must be|below 0|cannot be/);
  });
});
