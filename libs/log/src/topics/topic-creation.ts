import { UnknownOutcome } from '@sluice/redis';
import { checkConfigs } from '../configs/changes';
import { accept, durabilityProblem, warnOfCompaction, type CatalogParts } from './catalog-parts';
import { sizeProblem } from './partition-counts';
import { taken, takenBy, type Refused } from './refusals';
import { encodeRecord, freezeTopic, topicNameProblem, type Topic, type TopicRecord } from './topic';

/** Why a topic was not created. */
export type CreateRefusal =
  'exists' | 'invalid-name' | 'collides' | 'invalid-partitions' | 'invalid-config';

/** What a new topic is to be. */
export interface NewTopic {
  name: string;
  /** 1…10,000. */
  partitions: number;
  /** Configs as the client sent them; those left out have their defaults. */
  configs?: Readonly<Record<string, string | null>>;
  /** Only check; nothing is created, and the returned topic's id means nothing. */
  validateOnly?: boolean;
}

/** What became of a creation. */
export type Created = { created: Topic } | Refused<CreateRefusal>;

/** See `TopicCatalog.create`. */
export async function createTopic(parts: CatalogParts, request: NewTopic): Promise<Created> {
  const { name, partitions, validateOnly } = request;
  const { view, limits, random, clock } = parts;
  const nameProblem = topicNameProblem(name);
  if (nameProblem) return { refused: 'invalid-name', message: nameProblem };
  await parts.follower.ensureFresh();
  const holder = view.holderOf(name);
  if (holder) return taken(name, holder.name);
  const problem = sizeProblem({ limits, partitions: view.partitions }, partitions);
  if (problem) return { refused: 'invalid-partitions', message: problem };
  const configs = checkConfigs(request.configs ?? {});
  if ('problem' in configs) return { refused: 'invalid-config', message: configs.problem };
  const lacking = await durabilityProblem(parts, configs.ok);
  if (lacking !== null) return { refused: 'invalid-config', message: lacking };
  const topic = freezeTopic({
    name,
    id: random.uuid(),
    partitions,
    configs: configs.ok,
    createdAtMs: clock.nowMs(),
  });
  return validateOnly ? { created: topic } : create(parts, { topic, prepared: partitions });
}

async function create(parts: CatalogParts, record: TopicRecord): Promise<Created> {
  const { registry } = parts;
  const { topic } = record;
  const noted = await registry.intend(record);
  if (noted !== 'noted') return lost(parts, topic.name, noted.taken);
  await registry.prepare(topic, 0, topic.partitions);
  const reply = await registry.create(record);
  // The sweeper has taken the partitions: either this took too long, or an earlier attempt
  // succeeded and the topic has been deleted since.
  if (reply === 'expired') throw new UnknownOutcome('topics/create');
  if ('taken' in reply) return lost(parts, topic.name, reply.taken);
  warnOfCompaction(parts, topic);
  const change = { version: reply.version, text: encodeRecord(record) };
  return { created: await accept(parts, topic, change) };
}

async function lost({ follower }: CatalogParts, name: string, text: string): Promise<Created> {
  await follower.refresh();
  return takenBy(name, text);
}
