import { changeConfigs, checkConfigs } from '../configs/changes';
import type { CheckedConfigs, ConfigChange } from '../configs/changes';
import { accept, durabilityProblem, warnOfCompaction, type CatalogParts } from './catalog-parts';
import { growthProblem } from './partition-counts';
import { busy, unknownTopic, type Refused } from './refusals';
import { decodeRecord, encodeRecord, freezeTopic, topicVersion } from './topic';
import type { Topic, TopicRecord } from './topic';

/** How a topic's configs are to change: step by step, or all replaced (the legacy AlterConfigs). */
export type ConfigRequest =
  { changes: ConfigChange[] } | { replace: Readonly<Record<string, string | null>> };

/** What became of a change. */
export type Updated<Reason extends string> = { updated: Topic } | Refused<'unknown-topic' | Reason>;

/** How configs are to be changed. */
export interface ConfigTerms {
  /** Only check. */
  validateOnly?: boolean;
  /** Change nothing unless the topic still has this version; see `topicVersion`. */
  ifVersion?: string;
}

/** A change that was not made, because the topic is no longer what the change was made for. */
export interface ChangedMeanwhile {
  /** The topic as it is now. */
  changedMeanwhile: Topic;
}

/** What became of one attempt; the conflicting text is undefined when the topic is gone. */
type Update = { updated: Topic } | { conflict: string | undefined };
type Decision =
  { next: TopicRecord } | Refused<'unknown-topic' | 'invalid-config'> | ChangedMeanwhile;

/** See `TopicCatalog.addPartitions`. */
export async function addPartitions(
  parts: CatalogParts,
  name: string,
  total: number,
  { validateOnly = false }: { validateOnly?: boolean },
): Promise<Updated<'invalid-partitions'>> {
  const { view, limits } = parts;
  await parts.follower.ensureFresh();
  let text = view.textOf(name);
  for (let round = 0; round < limits.conflictsMax; round++) {
    if (text === undefined) return unknownTopic(name);
    const record = decodeRecord(text);
    if (record.topic.name !== name) return unknownTopic(name);
    const room = { limits, partitions: view.partitions };
    const message = growthProblem(room, record.topic.partitions, total);
    if (message) return { refused: 'invalid-partitions', message };
    const grown = withPartitions(record, total);
    if (validateOnly) return { updated: grown.topic };
    const reply = await grow(parts, text, { record, grown });
    if ('updated' in reply) return reply;
    text = reply.conflict;
  }
  throw busy('topics/update');
}

/** See `TopicCatalog.setConfigs`. */
export async function setConfigs(
  parts: CatalogParts,
  name: string,
  request: ConfigRequest,
  { validateOnly = false, ifVersion }: ConfigTerms,
): Promise<Updated<'invalid-config'> | ChangedMeanwhile> {
  await parts.follower.ensureFresh();
  let text = parts.view.textOf(name);
  for (let round = 0; round < parts.limits.conflictsMax; round++) {
    const decision = decideConfigs(name, text, request, ifVersion);
    if (!('next' in decision)) return decision;
    const { next } = decision;
    const { configs: before } = decodeRecord(text!).topic;
    const lacking = await durabilityProblem(parts, next.topic.configs, before);
    if (lacking !== null) return { refused: 'invalid-config', message: lacking };
    if (validateOnly || encodeRecord(next) === text) return { updated: next.topic };
    const reply = await update(parts, text!, next);
    if ('updated' in reply) {
      warnOfCompaction(parts, next.topic);
      return reply;
    }
    text = reply.conflict;
  }
  throw busy('topics/update');
}

/** Makes the partitions between two sizes of a topic, and then lets them appear. */
async function grow(
  parts: CatalogParts,
  text: string,
  { record, grown }: { record: TopicRecord; grown: TopicRecord },
): Promise<Update> {
  const { id, partitions } = record.topic;
  let expected = text;
  if (record.prepared < grown.prepared) {
    // Noted first, so that deleting the topic also removes partitions that never appeared.
    const noted = { ...record, prepared: grown.prepared };
    const reply = await update(parts, expected, noted);
    if ('conflict' in reply) return reply;
    expected = encodeRecord(noted);
  }
  await parts.registry.prepare(record.topic, partitions, grown.topic.partitions);
  const reply = await update(parts, expected, grown);
  if ('updated' in reply) return reply;
  const current = reply.conflict === undefined ? undefined : decodeRecord(reply.conflict);
  // The topic was deleted meanwhile, perhaps before the partitions were made.
  if (current?.topic.id !== id) await parts.registry.discard(grown);
  return reply;
}

/** Replaces a topic's record, or tells what is there instead of the expected one. */
async function update(parts: CatalogParts, expected: string, next: TopicRecord): Promise<Update> {
  const replacement = encodeRecord(next);
  const reply = await parts.registry.update(next.topic.name, { expected, replacement });
  if (reply === 'gone') {
    await parts.follower.refresh();
    return { conflict: undefined };
  }
  if ('conflict' in reply) return reply;
  const change = { version: reply.version, text: replacement };
  return { updated: await accept(parts, next.topic, change) };
}

function decideConfigs(
  name: string,
  text: string | undefined,
  request: ConfigRequest,
  ifVersion: string | undefined,
): Decision {
  if (text === undefined) return unknownTopic(name);
  const record = decodeRecord(text);
  const { topic } = record;
  if (topic.name !== name) return unknownTopic(name);
  const hasChanged = ifVersion !== undefined && ifVersion !== topicVersion(topic);
  if (hasChanged) return { changedMeanwhile: topic };
  const checked: CheckedConfigs =
    'replace' in request
      ? checkConfigs(request.replace)
      : changeConfigs(topic.configs, request.changes);
  if ('problem' in checked) return { refused: 'invalid-config', message: checked.problem };
  return { next: { ...record, topic: freezeTopic({ ...topic, configs: checked.ok }) } };
}

function withPartitions({ topic, prepared }: TopicRecord, total: number): TopicRecord {
  return {
    topic: freezeTopic({ ...topic, partitions: total }),
    prepared: Math.max(prepared, total),
  };
}
