import type { StreamMethodDecorator, StreamTopic } from '@sluice/transport';
import type { StreamJobContext } from '../context';
import type { StreamJobOptions } from '../options';

/** Where the decorator leaves what it was told; the same in every copy of the package. */
const jobKey = Symbol.for('sluice:stream-job');

/** What a decorated method handles. */
export interface DeclaredJob {
  topics: readonly StreamTopic[];
  options: StreamJobOptions;
}

/** A method that does jobs. */
export type StreamJobMethod = (value: never, context: StreamJobContext) => unknown;

/**
 * The method does the jobs of a queue, one for each record of the topic, or of several. It is given
 * the record's value and the job's context. An attempt has failed when it throws or rejects.
 */
export function StreamJob(
  topic: StreamTopic | readonly StreamTopic[],
  options: StreamJobOptions,
): StreamMethodDecorator<StreamJobMethod> {
  const topics = typeof topic === 'string' || topic instanceof RegExp ? [topic] : topic;
  return (_target, _key, { value: method }) => {
    Object.defineProperty(method, jobKey, { value: { topics, options } satisfies DeclaredJob });
  };
}

/** What a method was declared to handle; null where it is no such method. */
export function declaredJobOf(method: unknown): DeclaredJob | null {
  if (typeof method !== 'function') return null;
  return (method as { [jobKey]?: DeclaredJob })[jobKey] ?? null;
}
