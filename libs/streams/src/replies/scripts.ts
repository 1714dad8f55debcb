import { join } from 'node:path';
import { defineScript } from '@sluice/redis';

/** Makes the stream of a client's answers, or has it live on. */
export const keepRepliesScript = defineScript({
  name: 'streams/keep-replies',
  file: join(__dirname, 'scripts', 'keep-replies.lua'),
  keys: ['replies?'],
  args: ['ttlMs'],
  reply: { kept: {}, made: { id: 'text' } },
});
