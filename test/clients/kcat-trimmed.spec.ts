import { encodeBatch } from '@sluice/records';
import { startBroker, type TestBroker } from '@sluice/test/support/broker';
import { kcatMember } from '@sluice/test/support/kcat';
import {
  allRead,
  scriptMember,
  type Member,
  type MemberOptions,
} from '@sluice/test/support/member';
import { trimElsewhere } from '@sluice/test/support/other-trimmer';
import { RawClient } from '@sluice/test/support/raw-client';
import { ErrorCode, Produce } from '@sluice/wire';

const dayMs = 86_400_000;
const early = ['early 0', 'early 1', 'early 2'];
const old = Array.from({ length: 10 }, (_, i) => `old ${i}`);
const young = ['young 0', 'young 1', 'young 2'];

let host: TestBroker;

beforeAll(async () => {
  host = await startBroker();
});

afterAll(async () => {
  await host?.stop();
  await host?.redis.stop();
});

/** Produces records one by one. */
async function produce(
  topic: string,
  values: readonly string[],
  timestampMs: number,
): Promise<void> {
  const client = await RawClient.connect(host.port);
  for (const value of values) {
    const records = encodeBatch({ records: [{ timestampMs, value: Buffer.from(value) }] });
    const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
    const { responses } = await client.send(Produce, 9, { acks: 1, timeoutMs: 5_000, topicData });
    expect(responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.NONE);
  }
  await client.close();
}

describe.each<[string, (options: MemberOptions) => Member]>([
  ['kcat', kcatMember],
  ['kafkajs', (options) => scriptMember('kafkajs', options)],
])('a paused consumer of %s', (client, start) => {
  let member: Member | undefined;

  afterEach(() => member?.kill());

  it('goes on at the new log start when what it had not read was trimmed', async () => {
    const topic = `trimmed-${client}`;
    await host.catalog.create({ name: topic, partitions: 1, configs: {}, validateOnly: false });
    await produce(topic, early, Date.now());
    member = start({ port: host.port, groupId: client, topic, sessionTimeoutMs: 30_000 });
    await member.joined();
    await allRead(early, [member]);
    process.kill(member.pid, 'SIGSTOP');
    await produce(topic, old, Date.now() - 8 * dayMs);
    await host.catalog.setConfigs(topic, { replace: { 'retention.bytes': '0' } });
    expect(await trimElsewhere(host, topic)).toMatchObject({ records: 13, failures: [] });
    await host.catalog.setConfigs(topic, { replace: {} });
    await produce(topic, young, Date.now());
    process.kill(member.pid, 'SIGCONT');
    await allRead(young, [member]);
    const offsets = member.read.map(({ offset }) => offset);
    expect(offsets).toEqual([...new Set(offsets)].sort((a, b) => a - b));
    // A fetch that was under way may have brought it the first of them.
    expect(member.read.map(({ value }) => value)).not.toContain(old.at(-1));
  });
});
