import {
  crash,
  olderCopyLoss,
  powerCutLoss,
  promotionLoss,
  type Loss,
} from '@sluice/test/support/offset-losses';
import { eventually } from '@sluice/test/support/eventually';
import { RawClient } from '@sluice/test/support/raw-client';
import { ErrorCode, InitProducerId } from '@sluice/wire';

/** More than a block, so that the counter in Redis has moved. */
const idsEach = 1_100;

/** So many producer ids. */
async function takeIds(port: number): Promise<number[]> {
  const ids: number[] = [];
  const client = await RawClient.connect(port);
  const asked = { transactionalId: null, transactionTimeoutMs: 1_000 };
  while (ids.length < idsEach) {
    const id = await eventually(async () => {
      const reply = await client.send(InitProducerId, 1, asked);
      return reply.errorCode === ErrorCode.NONE ? [reply.producerId] : null;
    });
    ids.push(...id);
  }
  await client.close();
  return ids;
}

describe.each<[string, () => Promise<Loss>]>([
  ['a power cut', powerCutLoss],
  ['an older copy of the data', olderCopyLoss],
  ['the promotion of a replica that was behind', promotionLoss],
])('producer ids after %s', (_, prepare) => {
  let loss: Loss;
  beforeEach(async () => {
    loss = await prepare();
    await loss.begin();
  });
  afterEach(() => loss?.stop());

  it.each(['lives through it', 'starts after it'])(
    'are not given twice by a gateway that %s',
    async (which) => {
      const before = await takeIds(loss.gateway.port);
      if (which === 'starts after it') await crash(loss.gateway);
      await loss.strike();
      const next = which === 'starts after it' ? await loss.startNext() : loss.gateway;
      const after = await takeIds(next.port);
      expect(new Set([...before, ...after]).size).toBe(2 * idsEach);
    },
  );
});
