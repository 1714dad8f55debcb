import { setTimeout as sleep } from 'node:timers/promises';
import type { TestBroker } from '@sluice/test/support/broker';
import { eventually } from '@sluice/test/support/eventually';
import { kafkaAt, producerOf } from '@sluice/test/support/kafkajs';
import { allRead, type Member, type MemberOptions } from '@sluice/test/support/member';
import type { Producer } from 'kafkajs';

/** Short, as somebody has to wait for it to pass; long enough for a machine that is busy. */
const sessionTimeoutMs = 3_000;
const testTimeoutMs = 120_000;

/** What the stories need of a spec file. */
export interface GroupStoryParts {
  broker: () => TestBroker;
  startMember: (options: MemberOptions) => Member;
}

/** The group limits that a broker of these stories needs. */
export const storyGroupLimits = { sessionTimeoutMsMin: 100 };

/**
 * The stories of a consumer group, the same for each client. Members are processes; they come,
 * leave and die.
 */
export function groupStories({ broker, startMember }: GroupStoryParts): void {
  const members: Member[] = [];
  const feeds: Feed[] = [];

  afterEach(async () => {
    await Promise.all(feeds.splice(0).map((feed) => feed.stop()));
    await Promise.all(members.splice(0).map((member) => member.kill()));
  });

  const join = (topic: string): Member => {
    const { port } = broker();
    const member = startMember({ port, groupId: `group-of-${topic}`, topic, sessionTimeoutMs });
    members.push(member);
    return member;
  };

  it(
    'members come, leave and die: the others take over, and no record is missed',
    async () => {
      const topic = await newTopic(broker(), 4);
      const feed = new Feed(broker().port, topic, 4);
      feeds.push(feed);
      feed.resume();
      const first = join(topic);
      await shared(4, first);
      const second = join(topic);
      await shared(4, first, second);
      const third = join(topic);
      await shared(4, first, second, third);
      await third.kill();
      await shared(4, first, second);
      const all = [first, second, third];
      // A kcat that is told to end drops the record that it has in hand.
      await allRead(await feed.pause(), all);
      await second.leave();
      feed.resume();
      await shared(4, first);
      await allRead(await feed.stop(), all);
      await first.leave();
      await expectResumes(feed, join(topic));
    },
    testTimeoutMs,
  );

  it(
    'a member more than there are partitions waits, and steps in when one dies',
    async () => {
      const topic = await newTopic(broker(), 2);
      const three = [join(topic), join(topic), join(topic)];
      const owned = () => three.map(({ partitions }) => partitions?.length ?? -1);
      await eventually(() => owned().sort().join() === '0,1,1').catch((error: unknown) => {
        throw new Error(three.join('\n'), { cause: error });
      });
      const dying = three.find(({ partitions }) => partitions?.length === 1)!;
      const rest = three.filter((member) => member !== dying);
      await dying.kill();
      await shared(2, ...rest);
      const { members: left } = await describe(broker(), `group-of-${topic}`);
      expect(left).toBe(2);
    },
    testTimeoutMs,
  );
}

let topicNumber = 0;

async function newTopic({ catalog }: TestBroker, partitions: number): Promise<string> {
  const name = `story-${topicNumber++}`;
  const made = await catalog.create({ name, partitions, configs: {}, validateOnly: false });
  expect(made).toHaveProperty('created');
  return name;
}

function isShared(partitionCount: number, members: readonly Member[]): boolean {
  if (members.some(({ partitions }) => partitions === null || partitions.length === 0))
    return false;
  const owned = members.flatMap(({ partitions }) => partitions ?? []).sort((a, b) => a - b);
  return owned.length === partitionCount && owned.every((partition, at) => partition === at);
}

function shared(partitionCount: number, ...members: Member[]): Promise<unknown> {
  return eventually(() => isShared(partitionCount, members)).catch((error: unknown) => {
    throw new Error(members.join('\n'), { cause: error });
  });
}

/** The next member goes on where the last one has committed: it reads the new record alone. */
async function expectResumes(feed: Feed, member: Member): Promise<void> {
  await eventually(() => member.partitions !== null);
  const value = await feed.writeOne();
  await eventually(() => member.read.length > 0);
  expect(member.read.map((record) => record.value)).toEqual([value]);
}

async function describe({ port }: TestBroker, groupId: string): Promise<{ members: number }> {
  const admin = kafkaAt(port).admin();
  await admin.connect();
  try {
    return await eventually(async () => {
      const { groups } = await admin.describeGroups([groupId]);
      const [group] = groups;
      return group?.state === 'Stable' && { members: group.members.length };
    });
  } finally {
    await admin.disconnect();
  }
}

/** Writes to all partitions of a topic, slowly, until it is stopped. */
class Feed {
  readonly #written: string[] = [];
  readonly #kafka;
  #producer: Promise<Producer> | null = null;
  #paused = true;
  #running: Promise<void> = Promise.resolve();

  constructor(
    port: number,
    private readonly topic: string,
    private readonly partitions: number,
  ) {
    this.#kafka = kafkaAt(port);
  }

  resume(): void {
    this.#paused = false;
    this.#running = this.#write();
  }

  /** @returns the values of all records so far */
  async pause(): Promise<readonly string[]> {
    this.#paused = true;
    await this.#running;
    return this.#written;
  }

  /** @returns the values of all records */
  async stop(): Promise<readonly string[]> {
    await this.pause();
    await (await this.#producer)?.disconnect();
    this.#producer = null;
    return this.#written;
  }

  /** Writes one more record, after the stop; returns its value. */
  async writeOne(): Promise<string> {
    const producer = await producerOf(this.#kafka);
    const value = 'one more';
    await producer.send({ topic: this.topic, messages: [{ partition: 0, value }] });
    await producer.disconnect();
    return value;
  }

  async #write(): Promise<void> {
    this.#producer ??= producerOf(this.#kafka);
    const producer = await this.#producer;
    while (!this.#paused) {
      const messages = Array.from({ length: this.partitions }, (_, partition) => ({
        partition,
        value: `record ${this.#written.length + partition}`,
      }));
      await producer.send({ topic: this.topic, messages });
      this.#written.push(...messages.map(({ value }) => value));
      await sleep(25);
    }
  }
}
