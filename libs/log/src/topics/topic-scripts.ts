import { join } from 'node:path';
import { defineScript } from '@sluice/redis';

const file = (name: string) => join(__dirname, '..', 'scripts', `${name}.lua`);

/** Makes the keys of the registry that are not there. */
export const ensureScript = defineScript({
  name: 'topics/ensure',
  file: file('topics-ensure'),
  keys: ['topics?', 'deleted?', 'version?'],
  args: ['mark', 'record', 'lostRecord'],
  reply: { whole: {} },
});

/** The whole registry at one moment. */
export const readScript = defineScript({
  name: 'topics/read',
  file: file('topics-read'),
  keys: ['topics', 'version'],
  args: [],
  reply: { read: { version: 'int', topics: 'texts' } },
});

/** Notes that a topic's partitions are about to be prepared. */
export const intendScript = defineScript({
  name: 'topics/intend',
  file: file('topics-intend'),
  keys: ['topics', 'deleted'],
  args: ['field', 'entry', 'graceMs'],
  reply: { noted: {} },
  refused: { taken: { topic: 'text' } },
});

/** Lets a prepared topic appear. */
export const createScript = defineScript({
  name: 'topics/create',
  file: file('topics-create'),
  keys: ['topics', 'deleted', 'version'],
  args: ['field', 'topicId', 'topic', 'entry', 'changes'],
  reply: { created: { version: 'int' }, taken: { topic: 'text' }, expired: {} },
});

/** Replaces a topic's record if it is still what was seen. */
export const updateScript = defineScript({
  name: 'topics/update',
  file: file('topics-update'),
  keys: ['topics', 'version'],
  args: ['field', 'expected', 'replacement', 'changes'],
  reply: { updated: { version: 'int' } },
  refused: { conflict: { topic: 'text' }, gone: {} },
});

/** Takes a topic away. */
export const deleteScript = defineScript({
  name: 'topics/delete',
  file: file('topics-delete'),
  keys: ['topics', 'deleted', 'version'],
  args: ['field', 'topicId', 'changes'],
  reply: { deleted: { version: 'int', prepared: 'int' } },
  refused: { gone: {} },
});

/** Entries to sweep. */
export const claimScript = defineScript({
  name: 'topics/claim',
  file: file('topics-claim'),
  keys: ['topics', 'deleted'],
  args: ['entriesMax'],
  reply: { claimed: { 'entries…': 'text' } },
});

/** Reads whose partitions there may be. */
export const holdersScript = defineScript({
  name: 'topics/holders',
  file: file('topics-holders'),
  keys: ['topics?', 'deleted?'],
  args: [],
  reply: { holders: { topics: 'texts', entries: 'texts' } },
});
