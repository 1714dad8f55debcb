import { silentLogger, systemClock, systemRandom } from '@sluice/base';
import { replyKey } from '@sluice/log';
import type { RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { adminOf, connectLink, sharedRedis } from '@sluice/test/support/redis';
import { TcpProxy } from '@sluice/test/support/tcp-proxy';
import type { Reply } from './reply';
import { ReplyInbox } from './reply-inbox';
import { sendReply } from './send-reply';

const ports = { clock: systemClock, log: silentLogger, random: systemRandom };
let proxy: TcpProxy;
let link: RedisLink;

beforeAll(async () => {
  const redis = await sharedRedis();
  const { hostname, port } = new URL(redis.url);
  proxy = new TcpProxy({ host: hostname, port: Number(port) });
  await proxy.start();
  redis.beforeStop.add(() => proxy.stop());
  const url = new URL(redis.url);
  url.port = String(proxy.port);
  link = await connectLink(redis, { url: url.href });
});
afterAll(async () => (await sharedRedis()).stop());

async function openInbox() {
  const replies: Reply[] = [];
  const losses: string[] = [];
  const inbox = await ReplyInbox.open(link, ports, {
    onReply: (reply) => void replies.push(reply),
    onLost: (reason) => void losses.push(reason),
  });
  return { inbox, replies, losses };
}

const replyOf = (correlationId: string, more: Partial<Reply> = {}): Reply => ({
  correlationId,
  value: null,
  error: null,
  isLast: false,
  ...more,
});

it('brings answers as they were sent, in order', async () => {
  const { inbox, replies } = await openInbox();
  const sent = [
    replyOf('1', { value: Buffer.from([0, 255, 10]) }),
    replyOf('2', { error: Buffer.from('no'), isLast: true }),
    replyOf('1', { isLast: true }),
  ];
  const arrived = await Promise.all(sent.map((reply) => sendReply(link, inbox.address, reply)));
  expect(arrived).toEqual([true, true, true]);
  await eventually(() => replies.length === 3);
  expect(replies).toEqual(sent);
  await inbox.close();
});

it('leaves nothing behind when it is closed, and answers that come then go nowhere', async () => {
  const { inbox, replies } = await openInbox();
  await Promise.all([inbox.close(), inbox.close()]);
  expect(await sendReply(link, inbox.address, replyOf('1'))).toBe(false);
  const redis = await adminOf(await sharedRedis());
  expect(await redis.exists(replyKey(link.keyPrefix, inbox.address))).toBe(0);
  expect(replies).toEqual([]);
});

it('goes by itself after a client that ended without a word', async () => {
  const { inbox } = await openInbox();
  const redis = await adminOf(await sharedRedis());
  expect(await redis.pttl(replyKey(link.keyPrefix, inbox.address))).toBeGreaterThan(0);
  await inbox.close();
});

it('goes on after its connection was cut, and misses nothing', async () => {
  const { inbox, replies, losses } = await openInbox();
  proxy.cut();
  const sent = ['1', '2', '3'];
  for (const id of sent) {
    await eventually(() => sendReply(link, inbox.address, replyOf(id)));
  }
  await eventually(() => replies.length === 3);
  expect(replies.map(({ correlationId }) => correlationId)).toEqual(sent);
  expect(losses).toEqual([]);
  await inbox.close();
});

it('says that answers are lost when its stream is gone, and takes the next ones', async () => {
  const { inbox, replies, losses } = await openInbox();
  const redis = await adminOf(await sharedRedis());
  await redis.unlink(replyKey(link.keyPrefix, inbox.address));
  // What is made again looks after the stream at once.
  proxy.cut();
  await eventually(() => losses.length > 0);
  await eventually(() => sendReply(link, inbox.address, replyOf('1')));
  await eventually(() => replies.length === 1);
  await inbox.close();
});

it.each(['', 'a b', '../x', 'x'.repeat(100)])('takes %p for no address', async (address) => {
  await expect(sendReply(link, address, replyOf('1'))).rejects.toThrow(RangeError);
});
