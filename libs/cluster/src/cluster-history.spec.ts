import type { Topic } from '@sluice/log';
import { eventually } from '@sluice/test/support/eventually';
import { adminOf, freshPrefix, startRedis, type TestRedis } from '@sluice/test/support/redis';
import { setTimeout as sleep } from 'node:timers/promises';
import { TestGateway } from '../test/cluster-kit';
import { clusterKeys } from './keys';

const ids = [1, 2, 3, 4];
const stepsPerHistory = 14;

/** Numbers that look random, and are the same for the same seed. */
function chanceOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >> 8) % below;
  };
}

/** Looks all the time at what must never be. */
class Watch {
  readonly faults: string[] = [];
  /** `<topic>/<partition>/<leadership>` to who was sure to lead it. */
  readonly #leaders = new Map<string, number>();
  readonly #leaderships = new Map<string, number>();
  #isOver = false;
  readonly #ended: Promise<void>;

  /** @param looksAtRegistry not where Redis is away for a while */
  constructor(
    private readonly history: History,
    private readonly looksAtRegistry = true,
  ) {
    this.#ended = this.#run();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#ended;
  }

  async #run(): Promise<void> {
    while (!this.#isOver) {
      this.#lookAtGateways();
      if (this.looksAtRegistry) await this.#lookAtRegistry().catch(() => undefined);
      await sleep(5);
    }
  }

  #lookAtGateways(): void {
    const sure = new Map<number, TestGateway>();
    for (const gateway of this.history.all) {
      const { cluster } = gateway;
      if (gateway.isDead || !cluster.isSure) continue;
      if (sure.has(gateway.id)) this.faults.push(`two are sure to be ${gateway.id}`);
      sure.set(gateway.id, gateway);
      for (const topic of this.history.topics) {
        for (const [index, placement] of cluster.placementsOf(topic).entries()) {
          if (placement.leaderId !== gateway.id) continue;
          const key = `${topic.name}/${index}/${placement.leadership}`;
          const before = this.#leaders.get(key) ?? gateway.id;
          if (before !== gateway.id) this.faults.push(`${key}: ${before} and ${gateway.id}`);
          this.#leaders.set(key, gateway.id);
        }
      }
    }
  }

  async #lookAtRegistry(): Promise<void> {
    const before = this.history.all.filter(isSure);
    const brokers = await this.history.storedBrokers();
    for (const gateway of before.filter(isSure)) {
      const isThere = Object.hasOwn(brokers, String(gateway.id));
      if (!isThere) this.faults.push(`${gateway.id} is sure of a session that is over`);
    }
    const stored = await this.history.storedLeaders();
    for (const [topicId, text] of Object.entries(stored)) {
      const { partitions = [] } = JSON.parse(text) as { partitions?: [number, number][] };
      for (const [index, [, leadership]] of partitions.entries()) {
        const key = `${topicId}/${index}`;
        const before = this.#leaderships.get(key) ?? -1;
        if (leadership < before) this.faults.push(`${key}: ${before}, then ${leadership}`);
        this.#leaderships.set(key, leadership);
      }
    }
  }
}

const isSure = ({ isDead, cluster }: TestGateway): boolean => !isDead && cluster.isSure;

/** Gateways that come and go on one Redis. */
class History {
  readonly all: TestGateway[] = [];
  readonly topics: Topic[] = [];
  readonly told: string[] = [];

  constructor(
    private readonly redis: TestRedis,
    private readonly keyPrefix: string,
    private readonly chance: (below: number) => number,
  ) {}

  #pick<T>(list: readonly T[]): T {
    return list[this.chance(list.length)]!;
  }

  get running(): TestGateway[] {
    return this.all.filter((gateway) => !gateway.isDead);
  }

  get awake(): TestGateway[] {
    return this.running.filter((gateway) => !gateway.isPaused);
  }

  storedLeaders(): Promise<Record<string, string>> {
    return this.#stored('leaders');
  }

  storedBrokers(): Promise<Record<string, string>> {
    return this.#stored('brokers');
  }

  async #stored(name: 'leaders' | 'brokers'): Promise<Record<string, string>> {
    const admin = await adminOf(this.redis);
    return admin.hgetall(clusterKeys(this.keyPrefix, this.all[0]?.link.db)[name]);
  }

  async step(): Promise<void> {
    const act = this.#pick([this.start, this.start, this.kill, this.pause, this.resume, this.end]);
    await act.call(this);
    if (this.topics.length < 6 && this.chance(3) === 0) await this.makeTopic();
    await sleep(this.chance(800));
  }

  async start(): Promise<void> {
    const free = ids.filter((id) => !this.running.some((gateway) => gateway.id === id));
    if (free.length === 0) return;
    const brokerId = this.#pick(free);
    // Half of them where the one before was, which may be dead for a moment only.
    const hostName = this.chance(2) === 0 ? 'here' : `host-${this.all.length}`;
    this.told.push(`start ${brokerId} on ${hostName}`);
    const { redis, keyPrefix } = this;
    // Some sessions are to end before those who fell silent are heard again.
    const limits = { sessionMs: 1_500 };
    const options = { redis, keyPrefix, brokerId, hostName, port: 30_000 + brokerId, limits };
    const gateway = await TestGateway.make(options);
    this.all.push(gateway);
    await gateway.join();
  }

  async kill(): Promise<void> {
    if (this.running.length < 2) return;
    const gateway = this.#pick(this.running);
    this.told.push(`kill ${gateway.id}`);
    await gateway.kill();
  }

  pause(): Promise<void> {
    if (this.awake.length < 2) return Promise.resolve();
    const gateway = this.#pick(this.awake);
    this.told.push(`pause ${gateway.id}`);
    gateway.pause();
    return Promise.resolve();
  }

  resume(): Promise<void> {
    const paused = this.running.filter(({ isPaused }) => isPaused);
    if (paused.length > 0) {
      const gateway = this.#pick(paused);
      this.told.push(`resume ${gateway.id}`);
      gateway.resume();
    }
    return Promise.resolve();
  }

  async end(): Promise<void> {
    if (this.awake.length < 2) return;
    const gateway = this.#pick(this.awake);
    this.told.push(`stop ${gateway.id}`);
    await gateway.stop();
  }

  async makeTopic(): Promise<void> {
    const maker = this.awake[0];
    if (maker === undefined) return;
    const name = `topic-${this.topics.length}`;
    const partitions = 1 + this.chance(6);
    // One that was paused for long may still be on its way back to Redis.
    const reply = await eventually(() => maker.catalog.create({ name, partitions }));
    if ('created' in reply) this.topics.push(reply.created);
  }

  /** All see the same, everything is led, and evenly. */
  async settle(): Promise<void> {
    for (const gateway of this.running) if (gateway.isPaused) gateway.resume();
    await eventually(() => {
      expect({ told: this.told, unrest: this.unrest() }).toMatchObject({ unrest: [] });
      return true;
    });
  }

  /** What is not yet as it is to be, by the view of each gateway. */
  unrest(): string[] {
    const running = this.running.map(({ id }) => id).sort((left, right) => left - right);
    return this.running.flatMap(({ id, cluster, catalog }) => {
      const there = cluster.brokers().map((broker) => broker.id);
      const found = cluster.isSure ? [] : ['is not sure'];
      if (there.join() !== running.join()) found.push(`sees ${there.join()}`);
      for (const topic of this.topics) {
        const leaders = cluster.placementsOf(topic).map(({ leaderId }) => leaderId);
        const counts = running.map((each) => leaders.filter((leader) => leader === each).length);
        const isEven = Math.max(...counts) - Math.min(...counts) <= 1;
        if (catalog.byId(topic.id) === undefined) found.push(`does not know ${topic.name}`);
        if (leaders.includes(-1) || !isEven) found.push(`${topic.name}: led by ${leaders.join()}`);
      }
      return found.map((text) => `${id} ${text}`);
    });
  }
}

async function live(seed: number, redis: TestRedis): Promise<void> {
  const history = new History(redis, freshPrefix(), chanceOf(seed));
  await history.start();
  const watch = new Watch(history);
  try {
    for (let step = 0; step < stepsPerHistory; step++) await history.step();
    await history.settle();
    expect({ faults: watch.faults, told: history.told }).toMatchObject({ faults: [] });
  } finally {
    await watch.stop();
    for (const gateway of history.running) gateway.resume();
    await Promise.all(history.running.map((gateway) => gateway.kill()));
  }
}

let redis: TestRedis;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());

test.each([1, 2, 3])('whatever gateways do, nothing is led twice (history %d)', (seed) =>
  live(seed, redis),
);

test('after Redis was killed and came back all are in again, and all is led', async () => {
  const history = new History(redis, freshPrefix(), chanceOf(4));
  for (let count = 0; count < 3; count++) await history.start();
  await history.makeTopic();
  await history.settle();
  const watch = new Watch(history, false);
  try {
    await redis.kill();
    await eventually(() => history.running.every(({ cluster }) => !cluster.isSure));
    await redis.restart();
    await history.settle();
    expect(watch.faults).toEqual([]);
  } finally {
    await watch.stop();
    await Promise.all(history.running.map((gateway) => gateway.kill()));
  }
});
