import { join } from 'node:path';
import { defineScript } from '@sluice/redis';

const file = (name: string) => join(__dirname, '..', 'scripts', `${name}.lua`);

/** The whole registry at one moment. */
export const readScript = defineScript({
  name: 'topics/read',
  file: file('topics-read'),
  keys: ['topics', 'version'],
  args: [],
  reply: 'text',
});

/** Notes that a topic's partitions are about to be prepared. */
export const intendScript = defineScript({
  name: 'topics/intend',
  file: file('topics-intend'),
  keys: ['topics', 'deleted'],
  args: ['field', 'entry', 'graceMs'],
  reply: 'text',
});

/** Lets a prepared topic appear. */
export const createScript = defineScript({
  name: 'topics/create',
  file: file('topics-create'),
  keys: ['topics', 'deleted', 'version', 'changes'],
  args: ['field', 'topicId', 'topic', 'entry'],
  reply: 'text',
});

/** Replaces a topic's record if it is still what was seen. */
export const updateScript = defineScript({
  name: 'topics/update',
  file: file('topics-update'),
  keys: ['topics', 'version', 'changes'],
  args: ['field', 'expected', 'replacement'],
  reply: 'text',
});

/** Takes a topic away. */
export const deleteScript = defineScript({
  name: 'topics/delete',
  file: file('topics-delete'),
  keys: ['topics', 'deleted', 'version', 'changes'],
  args: ['field', 'topicId'],
  reply: 'text',
});

/** Entries to sweep. */
export const claimScript = defineScript({
  name: 'topics/claim',
  file: file('topics-claim'),
  keys: ['topics', 'deleted'],
  args: ['entriesMax'],
  reply: 'text',
});
