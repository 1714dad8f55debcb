import { LeadershipLost, NotEnoughReplicas, NotEnoughReplicasAfterAppend } from '@sluice/log';
import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import { problemOfError } from './problem-of-error';

describe('a failure over HTTP', () => {
  it.each<[string, string, Error]>([
    ['Redis is away', 'redis-unavailable', new RedisUnavailable('disconnected', 'away')],
    ['Redis lacks replicas', 'not-enough-replicas', new RedisUnavailable('no-replicas', '1')],
    ['the topic lacks replicas', 'not-enough-replicas', new NotEnoughReplicas('1 of 2')],
    ['another leads by now', 'redis-unavailable', new LeadershipLost('later')],
  ])('that changed nothing, as %s, is %s, and says so', (_, code, error) => {
    const problem = problemOfError(error)!;
    expect(problem.code).toBe(code);
    expect(problem.message).toMatch(/^Nothing was changed/);
  });

  it.each<[string, Error]>([
    ['a reply that did not come', new UnknownOutcome('append')],
    ['copies that did not come', new NotEnoughReplicasAfterAppend('1 of 2')],
  ])('whose outcome is not known, as of %s, does not say that nothing was changed', (_, error) => {
    const problem = problemOfError(error)!;
    expect(problem.code).toBe('outcome-unknown');
    expect(problem.message).not.toMatch(/Nothing was changed/);
  });

  it('that is a mistake of our own is nothing that a caller is told of', () => {
    expect(problemOfError(new TypeError('x is undefined'))).toBeUndefined();
  });
});
