import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import {
  ErrorCode,
  type Heartbeat,
  type InitProducerId,
  type ResponseInput,
  type SyncGroup,
} from '@sluice/wire';
import type { RequestContext } from '../requests/context';
import { heartbeat } from './12-heartbeat';
import { syncGroup } from './14-sync-group';
import { initProducerId } from './22-init-producer-id';

/**
 * Clients go on after the errors that they know of an API, and some end after any other, also where
 * it is one that may be retried. So each API answers what its clients know.
 */
const { COORDINATOR_LOAD_IN_PROGRESS, NONE, NOT_COORDINATOR, REBALANCE_IN_PROGRESS } = ErrorCode;

function contextOf(services: object): RequestContext {
  const signal = new AbortController().signal;
  return { services, signal, apiVersion: 4 } as unknown as RequestContext;
}

/**
 * A Java producer without transactions looks for a coordinator of no transaction after
 * COORDINATOR_NOT_AVAILABLE, and gets no further.
 */
it.each([
  ['Redis is away', new RedisUnavailable('disconnected', 'away')],
  ['replicas are missing', new RedisUnavailable('no-replicas', 'NOREPLICAS')],
  ['a reply of Redis was lost', new UnknownOutcome('ids')],
])('a producer that is given no id is to ask again: %s', async (_, failure) => {
  const services = { producerIds: { next: () => Promise.reject(failure) } };
  const asked = { transactionalId: null, transactionTimeoutMs: 1_000 };
  const answer = initProducerId.run(contextOf(services), asked);
  const { errorCode } = (await answer) as ResponseInput<typeof InitProducerId>;
  expect(errorCode).toBe(COORDINATOR_LOAD_IN_PROGRESS);
});

/** A coordinator that answers so. */
function groupsOf(errorCode: number) {
  return {
    heartbeat: async () => ({ errorCode }),
    sync: async () => ({ errorCode, assignment: Buffer.alloc(0) }),
  };
}

describe('a group that is still being read', () => {
  it.each([
    [COORDINATOR_LOAD_IN_PROGRESS, NONE],
    [REBALANCE_IN_PROGRESS, REBALANCE_IN_PROGRESS],
    [NOT_COORDINATOR, NOT_COORDINATOR],
  ])('has members that say they are there: %i becomes %i', async (found, told) => {
    const answer = heartbeat.run(contextOf({ groups: groupsOf(found) }), {});
    expect(((await answer) as ResponseInput<typeof Heartbeat>).errorCode).toBe(told);
  });

  it.each([
    [COORDINATOR_LOAD_IN_PROGRESS, REBALANCE_IN_PROGRESS],
    [NOT_COORDINATOR, NOT_COORDINATOR],
    [NONE, NONE],
  ])('has members that wait for their share: %i becomes %i', async (found, told) => {
    const named = { protocolType: 'consumer', protocolName: 'range' };
    const answer = syncGroup.run(contextOf({ groups: groupsOf(found) }), named);
    expect(((await answer) as ResponseInput<typeof SyncGroup>).errorCode).toBe(told);
  });
});
