import { createHash } from 'node:crypto';
import type { Logger } from '@sluice/base';
import { attempt, type RedisLink } from '@sluice/redis';
import { idempotencyKeys, partitionKeys, type IdempotencyKeys } from '../keys';
import { partitionLimits } from '../partition-limits';
import { idempotencyClaimScript, idempotencyCompleteScript } from '../scripts';
import { decodeRequest, encodeRequest, type NotedRequest } from './noted-request';

/** What remembered requests are limited by; see `partitionLimits`. */
export interface IdempotencyLimits {
  idempotencyKeptMs: number;
  idempotencyKeptMsMin: number;
  idempotencyCountMax: number;
  idempotencyForgottenMax: number;
}

/** What it is made of. */
export interface IdempotencyOptions {
  log: Logger;
  /** How long the log remembers producers: no request is remembered longer. */
  producerIdExpirationMs: number;
  limits?: IdempotencyLimits;
}

/**
 * Requests that clients may send again without their records being written again, by a key of the
 * client's choice.
 *
 * A request is noted before anything of it is written: where each of its records goes, and for each
 * batch a producer id that nothing else uses. Whoever does the request, once more after a crash or
 * two at the same time, writes just these batches, and the log itself tells a batch that is there
 * already (see append.lua) with its offset. So there is no lock, and no moment at which a crash
 * leaves it open whether to write.
 */
export class Idempotency {
  private readonly keys: IdempotencyKeys;
  private readonly limits: IdempotencyLimits;
  private readonly keptMs: number;

  constructor(
    private readonly redis: RedisLink,
    private readonly options: IdempotencyOptions,
  ) {
    this.keys = idempotencyKeys(redis.keyPrefix);
    this.limits = options.limits ?? partitionLimits;
    this.keptMs = Math.min(this.limits.idempotencyKeptMs, options.producerIdExpirationMs);
  }

  /**
   * Notes a request. Answers what is noted under this key of this topic: the same, or what was
   * noted before. Null: there are too many of late.
   *
   * @throws RedisUnavailable | UnknownOutcome; calling again is harmless
   */
  async claim(key: string, request: NotedRequest): Promise<NotedRequest | null> {
    const { limits, keptMs } = this;
    const reply = await idempotencyClaimScript.call(this.redis.write, this.keys, {
      digest: digestOf(request.topic, key),
      request: encodeRequest(request),
      keptMs,
      keptMsMin: Math.min(keptMs, limits.idempotencyKeptMsMin),
      countMax: limits.idempotencyCountMax,
      forgottenMax: limits.idempotencyForgottenMax,
    });
    if (reply.tag === 'full') return null;
    if (reply.tag === 'known') return decodeRequest(reply.request);
    if (reply.forgotten.length > 0) void this.forgetProducers(reply.forgotten);
    return request;
  }

  /**
   * Notes the answer of a request that was claimed. Answers what its client is to be told: that
   * answer, or the one that somebody else has noted meanwhile for the same request.
   *
   * @throws as `claim`
   */
  async complete(key: string, claimed: NotedRequest, answer: unknown): Promise<unknown> {
    const reply = await idempotencyCompleteScript.call(this.redis.write, this.keys, {
      digest: digestOf(claimed.topic, key),
      noted: encodeRequest(claimed),
      completed: encodeRequest({ ...claimed, answer }),
    });
    if (reply.tag === 'completed' || reply.request === '') return answer;
    return decodeRequest(reply.request).answer ?? answer;
  }

  /**
   * Removes what the log remembers of producers whose requests are forgotten. What fails here goes
   * when it is as old as any producer's.
   */
  private async forgetProducers(texts: readonly string[]): Promise<void> {
    try {
      const { write, keyPrefix } = this.redis;
      const removals = texts
        .filter((text) => text !== '')
        .flatMap((text) => {
          const { topic, topicId, batches } = decodeRequest(text);
          return batches.map(({ partition, producerId }) => {
            const { producers } = partitionKeys(keyPrefix, { topic, topicId, partition });
            return attempt('log.forget-producer', write.hdel(producers, String(producerId)));
          });
        });
      await Promise.all(removals);
    } catch (error) {
      const { message } = error as Error;
      this.options.log.debug('producers of forgotten requests stay for a while', {
        error: message,
      });
    }
  }
}

function digestOf(topic: string, key: string): string {
  return createHash('sha256').update(`${topic}\0${key}`).digest('base64url');
}
