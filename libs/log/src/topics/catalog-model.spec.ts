import { isDeepStrictEqual } from 'node:util';
import * as fc from 'fast-check';
import { silentLogger, systemClock, systemRandom } from '@sluice/base';
import { RedisLink } from '@sluice/redis';
import { CatalogModel } from '@sluice/test/models/catalog-model';
import type { CatalogStep, ModelReply } from '@sluice/test/models/catalog-model';
import { connectLink, freshPrefix, sharedRedis } from '@sluice/test/support/redis';
import { partitionKeys, registryKeys } from '../keys';
import { TopicCatalog } from './catalog';
import { DeletedTopicSweeper } from './deleted-topic-sweeper';
import type { Topic } from './topic';

const deps = { clock: systemClock, random: systemRandom, log: silentLogger };

const name = fc.constantFrom('a', 'b', 'a.b', 'a_b', 'a-b', '..', 'a b');
const retention = fc.constantFrom('-1', '0', '77', '5', '-2', 'x');
const config = fc.constantFrom('retention.ms', 'retention.bytes');
const partitions = fc.constantFrom(0, 1, 2, 3, 5, 9, 10_001);
const step: fc.Arbitrary<CatalogStep> = fc.oneof(
  fc.record({
    op: fc.constant('create' as const),
    name,
    partitions,
    configs: fc.oneof(fc.constant({}), fc.dictionary(config, retention, { maxKeys: 2 })),
  }),
  fc.record({ op: fc.constant('delete' as const), name }),
  fc.record({ op: fc.constant('grow' as const), name, total: partitions }),
  fc.record({ op: fc.constant('set' as const), name, config, value: fc.option(retention) }),
);
/** Which of two gateways takes each step, and whether a sweep follows it. */
const history = fc.array(fc.tuple(step, fc.nat(1), fc.boolean()), { minLength: 1, maxLength: 25 });

async function run(catalog: TopicCatalog, step: CatalogStep): Promise<ModelReply> {
  const reply = await perform(catalog, step);
  if (reply === null) return 'nothing';
  return 'refused' in reply ? { refused: reply.refused } : 'done';
}

async function perform(catalog: TopicCatalog, step: CatalogStep) {
  switch (step.op) {
    case 'create':
      return catalog.create(step);
    case 'delete':
      return catalog.delete({ name: step.name });
    case 'grow':
      return catalog.addPartitions(step.name, step.total);
    case 'set': {
      const op = step.value === null ? 'delete' : 'set';
      return catalog.setConfigs(step.name, {
        changes: [{ name: step.config, op, value: step.value }],
      });
    }
  }
}

/** Every partition of every topic is there, and after a last sweep nothing else is. */
async function checkKeys(link: RedisLink, catalog: TopicCatalog): Promise<void> {
  const { keyPrefix: prefix } = link;
  await new DeletedTopicSweeper(link, deps).sweep();
  const whole = catalog.list().flatMap(({ name, id, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => {
      const ref = { topic: name, topicId: id, partition };
      const { meta, log, producers, spans, delivery } = partitionKeys(prefix, ref);
      return [meta, log, producers, spans, delivery];
    }),
  );
  const { topics, version, deleted } = registryKeys(prefix);
  const keys = (await link.read.keys(`${prefix}*`)).filter(
    (key) => ![topics, version, deleted].includes(key),
  );
  expect(keys.sort()).toEqual(whole.flat().sort());
}

/** The topics of a gateway, once it has heard of what the other did; they must be the model's. */
async function settledList(catalog: TopicCatalog, model: CatalogModel): Promise<readonly Topic[]> {
  const shown = () =>
    catalog.list().map(({ name, partitions, configs }) => ({ name, partitions, configs }));
  // For as long as other tests wait at most; the deadline is reached only when it fails.
  const untilMs = performance.now() + 45_000;
  while (!isDeepStrictEqual(shown(), model.list()) && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(shown()).toEqual(model.list());
  return catalog.list();
}

async function agree(link: RedisLink, steps: [CatalogStep, number, boolean][]): Promise<void> {
  const model = new CatalogModel();
  const gateways = [new TopicCatalog(link, deps), new TopicCatalog(link, deps)];
  const ids = new Set<string>();
  for (const catalog of gateways) {
    catalog.on('change', ({ created }) => created && ids.add(created.id));
    await catalog.start();
  }
  try {
    for (const [step, gateway, sweep] of steps) {
      const catalog = gateways[gateway]!;
      expect({ step, reply: await run(catalog, step) }).toEqual({ step, reply: model.run(step) });
      const topics = await settledList(catalog, model);
      for (const topic of topics) expect(catalog.byId(topic.id)).toBe(topic);
      if (sweep) await checkKeys(link, catalog);
    }
    const last = new TopicCatalog(link, deps);
    gateways.push(last);
    await last.start();
    expect(last.list()).toHaveLength(model.topics.size);
    await checkKeys(link, last);
  } finally {
    for (const catalog of gateways) await catalog.stop();
  }
}

test('random histories on two gateways come to what the model says, step by step', async () => {
  const redis = await sharedRedis();
  try {
    await fc.assert(
      fc.asyncProperty(history, async (steps) => {
        const link = await connectLink(redis, { keyPrefix: freshPrefix() });
        try {
          await agree(link, steps);
        } finally {
          await link.close();
        }
      }),
      { numRuns: 60 },
    );
  } finally {
    await redis.stop();
  }
});
