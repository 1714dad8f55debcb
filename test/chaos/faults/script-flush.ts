import { askRedis } from '../../support/ask-redis';
import { eventually } from '../../support/eventually';
import type { FaultKind } from './fault-kind';
import { nothing } from './promises';

const answerMsMax = 20_000;

/** A server that forgets its scripts. */
export const scriptFlush: FaultKind = {
  name: 'script-flush',
  about: 'Redis forgets the scripts that it was given',
  lasts: { least: 0, most: 0 },
  mayLoseMs: nothing,
  whyNot: () => null,
  targets: () => [
    {
      name: 'redis',
      async run({ setUp: { redis }, random }) {
        const server = redis.kind === 'alone' ? redis.server : await redis.primary(random);
        const flush = () => askRedis(server.peer, 'SCRIPT FLUSH');
        await eventually(flush, { timeoutMs: answerMsMax });
      },
    },
  ],
};
