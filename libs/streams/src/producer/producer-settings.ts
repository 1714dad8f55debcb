import type { CompressionName } from '@sluice/records';
import type { ProducerSettings } from '../api';
import { producerLimits } from './producer-limits';

/** `ProducerSettings` with every default filled in. */
export type ResolvedProducerSettings = Required<ProducerSettings>;

const compressions: readonly CompressionName[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd'];

/**
 * Checks settings and fills in the defaults.
 *
 * @throws RangeError that names the first setting that cannot be meant
 */
export function resolveProducerSettings(
  given: ProducerSettings,
  defaults: { createTopics: boolean },
): ResolvedProducerSettings {
  const { acks = -1, compression = 'none', createTopics = defaults.createTopics } = given;
  if (acks !== 0 && acks !== 1 && acks !== -1) throw wrong('acks', acks, '0, 1 or -1');
  const { idempotent = acks !== 0 } = given;
  if (idempotent && acks === 0) {
    throw wrong('idempotent', true, 'false with acks 0: nobody is told what to send again');
  }
  if (!compressions.includes(compression)) {
    throw wrong('compression', compression, compressions.join(', '));
  }
  const { lingerMsMax, batchBytesMax, bufferBytesMax, deliveryTimeoutMs } = producerLimits;
  return {
    acks,
    idempotent,
    compression,
    createTopics,
    lingerMs: within('lingerMs', given.lingerMs ?? 0, 0, lingerMsMax),
    batchBytesMax: within('batchBytesMax', given.batchBytesMax ?? batchBytesMax, 1, bytesMost),
    bufferBytesMax: within('bufferBytesMax', given.bufferBytesMax ?? bufferBytesMax, 1, bytesMost),
    deliveryTimeoutMs: within(
      'deliveryTimeoutMs',
      given.deliveryTimeoutMs ?? deliveryTimeoutMs,
      1,
      timerMsMost,
    ),
  };
}

const bytesMost = 2 ** 31 - 1;
/** What a timer of Node can count. */
const timerMsMost = 2 ** 31 - 1;

function within(name: string, value: number, least: number, most: number): number {
  if (Number.isFinite(value) && value >= least && value <= most) return value;
  throw wrong(name, value, `a number from ${least} to ${most}`);
}

function wrong(name: string, value: unknown, rule: string): RangeError {
  return new RangeError(`the producer's setting ${name} is ${String(value)}, and must be ${rule}`);
}
