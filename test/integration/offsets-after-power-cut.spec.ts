import type { TestBroker } from '@sluice/test/support/broker';
import {
  crash,
  olderCopyLoss,
  powerCutLoss,
  promotionLoss,
} from '@sluice/test/support/offset-losses';
import type { Loss } from '@sluice/test/support/offset-losses';
import { OffsetLedger } from '@sluice/test/support/offset-ledger';

const few = (what: string): string[] => Array.from({ length: 5 }, (_, i) => `${what} ${i}`);
const losses: [string, () => Promise<Loss>][] = [
  ['a power cut', powerCutLoss],
  ['an older copy of the data', olderCopyLoss],
  ['the promotion of a replica that was behind', promotionLoss],
];

describe.each(losses)('after %s', (_, prepare) => {
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

  it('a gateway that lived through it gives no offset twice', async () => {
    await loss.strike();
    await expectNothingMissed(ledger, loss.gateway.port);
  });

  it('a gateway that starts after it gives no offset twice', async () => {
    await crash(loss.gateway);
    await loss.strike();
    const next = await loss.startNext();
    await expectNothingMissed(ledger, next.port);
  });
});

/** What one writer has acknowledged, another does not know. */
describe.each(losses)('after %s, with two writers', (_, prepare) => {
  let loss: Loss;
  let ledger: OffsetLedger;
  let other: TestBroker;

  beforeEach(async () => {
    loss = await prepare();
    ledger = new OffsetLedger();
    await ledger.createTopic(loss.gateway.port);
    await ledger.produce(loss.gateway.port, few('kept'));
    other = await loss.startNext();
  });
  afterEach(() => loss?.stop());

  async function lose(): Promise<void> {
    const { port } = loss.gateway;
    await loss.begin();
    await ledger.produce(port, few('lost'));
    expect(await ledger.readFrom(port, 0)).toHaveLength(10);
  }

  it('the one that lives on gives no offset of the one that was killed', async () => {
    await lose();
    await crash(loss.gateway);
    await loss.strike();
    await expectNothingMissed(ledger, other.port);
  });

  it('the first that is back gives no offset of the other', async () => {
    await lose();
    await loss.strike();
    await expectNothingMissed(ledger, other.port);
  });

  it('a third that starts gives none of the first, which the second has outlived', async () => {
    await lose();
    await other.stop();
    await crash(loss.gateway);
    await loss.strike();
    const third = await loss.startNext();
    await expectNothingMissed(ledger, third.port);
  });
});

/** What was acknowledged afterwards is seen by whoever read up to the end before it. */
async function expectNothingMissed(ledger: OffsetLedger, port: number): Promise<void> {
  const end = ledger.end;
  await ledger.produce(port, few('after'));
  const read = await ledger.readFrom(port, end);
  expect(read.map(({ value }) => value)).toEqual(few('after'));
  const all = await ledger.readFrom(port, 0);
  expect(all.map(({ value }) => value)).toEqual([...few('kept'), ...few('after')]);
}
