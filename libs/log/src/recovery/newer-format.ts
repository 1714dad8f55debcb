import { RedisUnavailable } from '@sluice/redis';

/** For what a newer version has stored: nothing is done with it. */
export function newerFormat(key: string): RedisUnavailable {
  return new RedisUnavailable(
    'newer-format',
    `${key} is in a form that only a newer version of Sluice knows; it is left alone`,
  );
}
