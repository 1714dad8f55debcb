import {
  crash,
  olderCopyLoss,
  powerCutLoss,
  promotionLoss,
} from '@sluice/test/support/offset-losses';
import type { Loss } from '@sluice/test/support/offset-losses';
import { OffsetLedger } from '@sluice/test/support/offset-ledger';

const few = (what: string): string[] => Array.from({ length: 5 }, (_, i) => `${what} ${i}`);

describe.each<[string, () => Promise<Loss>]>([
  ['a power cut', powerCutLoss],
  ['an older copy of the data', olderCopyLoss],
  ['the promotion of a replica that was behind', promotionLoss],
])('after %s', (_, prepare) => {
  let loss: Loss;
  let ledger: OffsetLedger;

  beforeEach(async () => {
    loss = await prepare();
    ledger = new OffsetLedger();
    const { port } = loss.gateway;
    await ledger.createTopic(port);
    await ledger.produce(port, few('kept'));
    await loss.begin();
    await ledger.produce(port, few('lost'));
    expect(await ledger.readFrom(port, 0)).toHaveLength(10);
  });
  afterEach(() => loss?.stop());

  /** What was acknowledged afterwards is seen by whoever read up to the end before it. */
  async function expectNothingMissed(port: number): Promise<void> {
    const end = ledger.end;
    await ledger.produce(port, few('after'));
    const read = await ledger.readFrom(port, end);
    expect(read.map(({ value }) => value)).toEqual(few('after'));
    const all = await ledger.readFrom(port, 0);
    expect(all.map(({ value }) => value)).toEqual([...few('kept'), ...few('after')]);
  }

  it('a gateway that lived through it gives no offset twice', async () => {
    await loss.strike();
    await expectNothingMissed(loss.gateway.port);
  });

  it('a gateway that starts after it gives no offset twice', async () => {
    await crash(loss.gateway);
    await loss.strike();
    const next = await loss.startNext();
    await expectNothingMissed(next.port);
  });
});
