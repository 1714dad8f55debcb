import { createHash } from 'node:crypto';
import { RedisUnavailable } from '@sluice/redis';
import type { ConfigValues } from '../configs/changes';
import { catalogLimits } from './catalog-limits';

/** A topic as every gateway knows it. Frozen; a change makes a new object. */
export interface Topic {
  readonly name: string;
  /** Kafka topic id: 22 characters of base64url, new for each incarnation of a name. */
  readonly id: string;
  /** Number of partitions, 0…partitions-1. */
  readonly partitions: number;
  /** Configs that were set, by name; the rest have their defaults (see `resolveConfigs`). */
  readonly configs: ConfigValues;
  readonly createdAtMs: number;
}

/** A topic as the registry keeps it. */
export interface TopicRecord {
  topic: Topic;
  /** Partitions that may have been made in Redis: more than `partitions` while a topic grows. */
  prepared: number;
}

/** The form in which this version stores a topic; a text without a number is the first form. */
const recordFormat = 1;

/** The registry's text for a topic. The same record always gives the same text. */
export function encodeRecord({ topic, prepared }: TopicRecord): string {
  const { name, id, partitions, configs, createdAtMs } = topic;
  const format = recordFormat;
  return JSON.stringify({ format, name, id, partitions, prepared, configs, createdAtMs });
}

/**
 * Reads the registry's text for a topic.
 *
 * @throws Error when it is not one; RedisUnavailable when it is one in a form that only a newer
 *   version knows
 */
export function decodeRecord(text: string): TopicRecord {
  const stored = JSON.parse(text) as Topic & { prepared: number; format?: number };
  if ((stored.format ?? 1) > recordFormat) {
    const known = `this one knows forms up to ${recordFormat}`;
    throw new RedisUnavailable(
      'newer-format',
      `topic '${stored.name}' is stored in form ${stored.format}, which only a newer version of ` +
        `Sluice knows; ${known}. It is left alone`,
    );
  }
  const { name, id, partitions, prepared, configs, createdAtMs } = stored;
  const sound =
    typeof name === 'string' &&
    typeof id === 'string' &&
    Number.isInteger(partitions) &&
    Number.isInteger(prepared) &&
    typeof configs === 'object';
  if (!sound) throw new Error(`not a topic: ${text.slice(0, 200)}`);
  return { topic: freezeTopic({ name, id, partitions, configs, createdAtMs }), prepared };
}

const versions = new WeakMap<Topic, string>();

/**
 * Names the state of a topic: another one after each change of it, and the same one in every
 * gateway. 22 characters of base64url. Remembered per object, for topics are frozen.
 */
export function topicVersion(topic: Topic): string {
  let version = versions.get(topic);
  if (version === undefined) versions.set(topic, (version = hashOf(topic)));
  return version;
}

function hashOf({ name, id, partitions, configs, createdAtMs }: Topic): string {
  const sorted = Object.entries(configs).sort(([a], [b]) => (a < b ? -1 : 1));
  const text = JSON.stringify([name, id, partitions, sorted, createdAtMs]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

/** A frozen copy of a topic. */
export function freezeTopic(topic: Topic): Topic {
  return Object.freeze({ ...topic, configs: Object.freeze({ ...topic.configs }) });
}

/**
 * Why a name cannot be a topic's, or undefined when it can: 1…249 characters of a-z, A-Z, 0-9, '.',
 * '_' and '-', and neither '.' nor '..' (Kafka's rule).
 */
export function topicNameProblem(name: string): string | undefined {
  if (name === '') return 'A topic name must not be empty';
  if (name === '.' || name === '..') return `A topic cannot be named '${name}'`;
  if (name.length > catalogLimits.topicNameCharsMax) {
    return `A topic name must not be longer than ${catalogLimits.topicNameCharsMax} characters`;
  }
  if (/^[a-zA-Z0-9._-]+$/.test(name)) return undefined;
  return "A topic name may hold only letters, digits, '.', '_' and '-'";
}

/**
 * Where the registry keeps a topic: its name with '.' as '_'. Kafka refuses two names that differ
 * only in that, because its metrics cannot tell them apart, and here they meet in one field.
 */
export function registryField(name: string): string {
  return name.replaceAll('.', '_');
}

/**
 * What stands in the registry's hash and among what is to be swept so that neither is ever empty:
 * no name of a topic, and no entry. See topics-ensure.lua.
 */
export const registryMark = '#';

/** What is left to sweep of a topic: its partitions 0…prepared-1. */
export function sweepEntry({ topic, prepared }: TopicRecord): string {
  return `${prepared}/${topic.id}/${topic.name}`;
}

/** Reads an entry of the list of what is to be swept. */
export function readSweepEntry(entry: string): {
  topic: string;
  topicId: string;
  prepared: number;
} {
  const [prepared, topicId, topic] = entry.split('/');
  return { topic: topic!, topicId: topicId!, prepared: Number(prepared) };
}
