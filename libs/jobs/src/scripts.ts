import { join } from 'node:path';
import { defineScript } from '@sluice/redis';

const file = (name: string): string => join(__dirname, 'scripts', `${name}.lua`);

/** Ends the transaction that makes jobs of records. */
export const noteFedScript = defineScript({
  name: 'jobs/note-fed',
  file: file('note-fed'),
  keys: ['keys…'],
  args: ['next…'],
  reply: { fed: {} },
  refused: { missing: { count: 'int' } },
});

/** Takes failed jobs that nobody else is dealing with. */
export const takeFailedScript = defineScript({
  name: 'jobs/take-failed',
  file: file('take-failed'),
  keys: ['failed?', 'taken?'],
  args: ['leaseMs', 'countMax'],
  reply: { taken: { 'ids…': 'text' } },
});
