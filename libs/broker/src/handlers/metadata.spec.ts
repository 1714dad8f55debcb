import { silentLogger, type LogFields } from '@sluice/base';
import { SingleGateway } from '@sluice/test/support/single-gateway';
import type { Topic } from '@sluice/log';
import { RedisUnavailable, UnknownOutcome } from '@sluice/redis';
import { ErrorCode, type Metadata, type ResponseInput } from '@sluice/wire';
import { FakeClock } from '@sluice/test/support/fake-clock';
import { limits } from '../limits';
import { defaultBrokerOptions, type BrokerOptions } from '../options';
import { AutoCreation } from '../requests/auto-creation';
import type { RequestContext } from '../requests/context';
import { metadata } from './03-metadata';

/** Metadata over a catalogue that creates whatever it is asked for. */
class MetadataBench {
  readonly clock = new FakeClock();
  readonly topics = new Map<string, Topic>();
  readonly lines: [string, LogFields?][] = [];
  creatingNow = 0;
  creatingAtOnce = 0;
  /** What creating a topic ends with; null: it succeeds. */
  failure: Error | null = null;
  readonly #autoCreation: AutoCreation;
  readonly #cluster = new SingleGateway({ id: 1, rack: null, version: '1.2.3' });

  constructor(private readonly options: Partial<BrokerOptions> = {}) {
    const warn = (message: string, fields?: LogFields) => void this.lines.push([message, fields]);
    const log = { ...silentLogger, warn };
    this.#autoCreation = new AutoCreation({ clock: this.clock, log });
  }

  async ask(names: string[], allowAutoTopicCreation = true): Promise<Map<string, number>> {
    await this.#cluster.join({ host: 'localhost', port: 9092 });
    const catalog = {
      byName: (name: string) => this.topics.get(name),
      create: async ({ name, partitions }: Topic) => {
        this.creatingAtOnce = Math.max(this.creatingAtOnce, ++this.creatingNow);
        await new Promise((resolve) => setImmediate(resolve));
        this.creatingNow--;
        if (this.failure !== null) throw this.failure;
        if (this.topics.has(name)) return { refused: 'exists', message: '' };
        const created = { name, id: `id-${name}`, partitions, configs: {}, createdAtMs: 0 };
        this.topics.set(name, created);
        return { created };
      },
    };
    const services = {
      catalog,
      options: { ...defaultBrokerOptions, ...this.options },
      cluster: this.#cluster,
      autoCreation: this.#autoCreation,
      partitions: { store: { leaderEpochs: async () => [] } },
      log: silentLogger,
    };
    const context = { services, apiVersion: 9 } as unknown as RequestContext;
    const topics = names.map((name) => ({ name, topicId: '' }));
    const answer = metadata.run(context, { topics, allowAutoTopicCreation });
    const response = (await answer) as ResponseInput<typeof Metadata>;
    return new Map(response.topics.map(({ name, errorCode }) => [name ?? '', errorCode]));
  }
}

const names = (count: number, prefix = 't') =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);
const countOf = (codes: Map<string, number>, code: number) =>
  [...codes.values()].filter((one) => one === code).length;
const { LEADER_NOT_AVAILABLE, NONE, INVALID_TOPIC_EXCEPTION } = ErrorCode;

describe('topics that are created by being asked for', () => {
  it('are no more than a request may create; the rest are to be asked for again', async () => {
    const bench = new MetadataBench();
    const max = limits.autoCreatesPerRequestMax;
    const first = await bench.ask(names(5_000));
    expect(countOf(first, NONE)).toBe(max);
    expect(countOf(first, LEADER_NOT_AVAILABLE)).toBe(5_000 - max);
    expect(bench.topics.size).toBe(max);
    expect(bench.creatingAtOnce).toBeLessThanOrEqual(limits.adminItemsAtOnceMax);
    const second = await bench.ask(names(2 * max));
    expect(countOf(second, NONE)).toBe(2 * max);
  });

  it('are no more than a broker may create in a while, and it says so once', async () => {
    const bench = new MetadataBench();
    const { autoCreatesBurstMax: burst, autoCreatesPerSecondMax: perSecond } = limits;
    for (let round = 0; round < 200; round++) await bench.ask(names(100, `r${round}-`));
    expect(bench.topics.size).toBe(burst);
    expect(bench.lines.map(([message]) => message)).toEqual([
      'topics that clients ask for are not created: too many at once',
    ]);
    bench.clock.advance(3_000);
    await bench.ask(names(100, 'later-'));
    expect(bench.topics.size).toBe(burst + 3 * perSecond);
    bench.clock.advance(3_600_000);
    for (let round = 0; round < 200; round++) await bench.ask(names(100, `hour-${round}-`));
    expect(bench.topics.size).toBe(2 * burst + 3 * perSecond);
  });

  it('that exist, or that are not to be created, are answered whatever was created', async () => {
    const bench = new MetadataBench();
    for (let round = 0; round < 200; round++) await bench.ask(names(100, `r${round}-`));
    expect(await bench.ask(['r0-0', 'r1-1'])).toEqual(
      new Map([
        ['r0-0', NONE],
        ['r1-1', NONE],
      ]),
    );
    const { UNKNOWN_TOPIC_OR_PARTITION } = ErrorCode;
    expect((await bench.ask(['new'], false)).get('new')).toBe(UNKNOWN_TOPIC_OR_PARTITION);
  });

  it('count once, however often a request names them', async () => {
    const bench = new MetadataBench();
    await bench.ask(Array.from({ length: 1_000 }, () => 'same'));
    expect((await bench.ask(['other'])).get('other')).toBe(NONE);
    expect([...bench.topics.keys()]).toEqual(['same', 'other']);
  });
});

/** Of any other error librdkafka takes it that it will last, and fails all that waits. */
describe('a topic that cannot be created now', () => {
  it.each([
    ['Redis is away', new RedisUnavailable('disconnected', 'away')],
    ['replicas are missing', new RedisUnavailable('no-replicas', 'NOREPLICAS')],
    ['a reply of Redis was lost', new UnknownOutcome('create')],
  ])('is to be asked for again: %s', async (_, failure) => {
    const bench = new MetadataBench();
    bench.failure = failure;
    expect((await bench.ask(['new'])).get('new')).toBe(LEADER_NOT_AVAILABLE);
  });
});

describe('a name that cannot be a topic’s', () => {
  it.each<[string, Partial<BrokerOptions>, boolean]>([
    ['where it would be created', {}, true],
    ['where the client does not want it', {}, false],
    ['where the broker creates none', { autoCreateTopics: false }, true],
  ])('is an invalid topic %s', async (_, options, mayCreate) => {
    const bench = new MetadataBench(options);
    const codes = await bench.ask(['no spaces', '..', 'a'.repeat(250), ''], mayCreate);
    expect([...codes.values()]).toEqual(Array.from({ length: 4 }, () => INVALID_TOPIC_EXCEPTION));
  });
});
