import { silentLogger, systemClock, systemRandom } from '@sluice/base';
import { replyKey } from '@sluice/log';
import { RedisUnavailable, type RedisLink } from '@sluice/redis';
import { eventually } from '@sluice/test/support/eventually';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { adminOf, connectLink, sharedRedis } from '@sluice/test/support/redis';
import { TcpProxy } from '@sluice/test/support/tcp-proxy';
import { repliesLimits } from './replies-limits';
import { encodeReply, type Reply } from './reply';
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
const opened: ReplyInbox[] = [];
afterEach(async () => void (await Promise.all(opened.splice(0).map((inbox) => inbox.close()))));
afterAll(async () => (await sharedRedis()).stop());

async function openInbox() {
  const replies: Reply[] = [];
  const losses: string[] = [];
  const inbox = await ReplyInbox.open(link, ports, {
    onReply: (reply) => void replies.push(reply),
    onLost: (reason) => void losses.push(reason),
  });
  opened.push(inbox);
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

it('keeps the order of answers that come by words and of those that are too large', async () => {
  const { inbox, replies } = await openInbox();
  const large = Buffer.alloc(repliesLimits.wordBytesMax + 1, 'x');
  const sent = Array.from({ length: 60 }, (_, number) =>
    replyOf('1', { number, value: number % 7 === 3 ? large : Buffer.from(`${number}`) }),
  );
  await Promise.all(sent.map((reply) => sendReply(link, inbox.address, reply)));
  await eventually(() => replies.length === sent.length);
  expect(replies).toEqual(sent);
});

it('brings each answer once, however often it is cut off from words, and forgets it', async () => {
  const { inbox, replies } = await openInbox();
  const sent: Reply[] = [];
  for (let round = 0; round < 4; round++) {
    const more = Array.from({ length: 400 }, (_, at) => replyOf('1', { number: round * 400 + at }));
    sent.push(...more);
    // Through another connection than that which is cut.
    const redis = await adminOf(await sharedRedis());
    const direct = { keyPrefix: link.keyPrefix, write: redis } as unknown as RedisLink;
    const sending = Promise.all(more.map((reply) => sendReply(direct, inbox.address, reply)));
    proxy.cut();
    await sending;
  }
  await eventually(() => replies.length >= sent.length);
  expect(replies).toEqual(sent);
  const redis = await adminOf(await sharedRedis());
  const key = replyKey(link.keyPrefix, inbox.address);
  // Redis drops whole nodes of a stream, of a hundred entries.
  await eventually(async () => (await redis.xlen(key)) <= 200);
});

it('finds answers of a service that publishes none', async () => {
  const { inbox, replies } = await openInbox();
  const redis = await adminOf(await sharedRedis());
  const key = replyKey(link.keyPrefix, inbox.address);
  for (const id of ['1', '2']) await redis.xadd(key, '*', ...encodeReply(replyOf(id)));
  await eventually(() => replies.length === 2);
});

it('looks at the stream now and then only while an answer is waited for', async () => {
  const clock = new FakeClock();
  let isAwaited = false;
  const replies: Reply[] = [];
  const inbox = await ReplyInbox.open(
    link,
    { ...ports, clock },
    { onReply: (reply) => replies.push(reply), onLost: () => {}, isAwaited: () => isAwaited },
  );
  opened.push(inbox);
  const redis = await adminOf(await sharedRedis());
  const key = replyKey(link.keyPrefix, inbox.address);
  await redis.xadd(key, '*', ...encodeReply(replyOf('1')));
  await clock.advanceAsync(2 * repliesLimits.lookEveryMs);
  await sendReply(link, inbox.address, replyOf('2', { number: 0 }));
  await eventually(() => replies.length > 0);
  // The one that came by a word has not waited for the look that nobody asked for.
  expect(replies.map(({ correlationId }) => correlationId)).toEqual(['2']);
  isAwaited = true;
  await clock.advanceAsync(2 * repliesLimits.lookEveryMs);
  await eventually(() => replies.length === 2);
});

it('reads its stream all the time where it may not listen', async () => {
  const denied = new RedisUnavailable('denied', 'not that channel');
  const deaf = {
    keyPrefix: link.keyPrefix,
    write: link.write,
    onReady: link.onReady.bind(link),
    openBlockingConnection: link.openBlockingConnection.bind(link),
    subscribeBytes: () => Promise.reject(denied),
  } as unknown as RedisLink;
  const replies: Reply[] = [];
  const inbox = await ReplyInbox.open(deaf, ports, {
    onReply: (reply) => void replies.push(reply),
    onLost: () => {},
    isAwaited: () => false,
  });
  opened.push(inbox);
  const sent = ['1', '2', '3'].map((id) => replyOf(id, { number: 0 }));
  for (const reply of sent) await sendReply(link, inbox.address, reply);
  await eventually(() => replies.length === 3);
  expect(replies.map(({ correlationId }) => correlationId)).toEqual(['1', '2', '3']);
});

it.each(['', 'a b', '../x', 'x'.repeat(100)])('takes %p for no address', async (address) => {
  await expect(sendReply(link, address, replyOf('1'))).rejects.toThrow(RangeError);
});
