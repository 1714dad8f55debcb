import type { RequestContext } from '../requests/context';
import { CloseConnection } from '../requests/close-connection';
import { promiseOf } from '../requests/later-answer';
import { produce } from './00-produce';

describe('a produce with acks=0', () => {
  it('that fails ends its connection, and tells the log why', async () => {
    const services = { clock: { monotonicMs: () => 0 }, catalog: { byName: () => undefined } };
    const context = { services, apiVersion: 7 } as unknown as RequestContext;
    const partitionData = [{ index: 3, records: Buffer.alloc(0) }];
    const request = { acks: 0, timeoutMs: 0, topicData: [{ name: 'deleted', partitionData }] };
    const failure = await promiseOf(produce.run(context, request)).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(CloseConnection);
    expect(failure).toMatchObject({
      reason: 'a produce with acks=0 failed',
      fields: { partition: 3, error: 'UNKNOWN_TOPIC_OR_PARTITION' },
    });
  });
});
