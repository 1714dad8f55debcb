import { kcatMember } from '@sluice/test/support/kcat';
import {
  allRead,
  scriptMember,
  type Member,
  type MemberOptions,
} from '@sluice/test/support/member';
import { OffsetLedger } from '@sluice/test/support/offset-ledger';
import { olderCopyLoss, type Loss } from '@sluice/test/support/offset-losses';

const kept = ['kept 0', 'kept 1', 'kept 2'];
const lost = Array.from({ length: 10 }, (_, i) => `lost ${i}`);
const after = ['after 0', 'after 1', 'after 2'];

/** It stands behind records that Redis loses while it is away. */
describe.each<[string, (options: MemberOptions) => Member]>([
  ['kcat', kcatMember],
  ['kafkajs', (options) => scriptMember('kafkajs', options)],
  ['@platformatic/kafka', (options) => scriptMember('platformatic', options)],
])('a paused consumer of %s', (_, start) => {
  let loss: Loss;
  let member: Member | undefined;

  beforeEach(async () => {
    loss = await olderCopyLoss();
  });
  afterEach(async () => {
    await member?.kill();
    await loss?.stop();
  });

  it('misses nothing that is acknowledged afterwards', async () => {
    const { port } = loss.gateway;
    const ledger = new OffsetLedger();
    await ledger.createTopic(port);
    await ledger.produce(port, kept);
    member = start({ port, groupId: 'readers', topic: 'orders', sessionTimeoutMs: 30_000 });
    await member.joined();
    await allRead(kept, [member]);
    await loss.begin();
    await ledger.produce(port, lost);
    await allRead(lost, [member]);
    process.kill(member.pid, 'SIGSTOP');
    await loss.strike();
    await ledger.produce(port, after);
    process.kill(member.pid, 'SIGCONT');
    await allRead(after, [member]);
  });
});
