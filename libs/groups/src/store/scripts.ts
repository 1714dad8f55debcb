import { join } from 'node:path';
import { defineScript, type Script } from '@sluice/redis';

const folder = join(__dirname, '..', 'scripts');

export const takeScript = defineScript({
  name: 'groups/take',
  file: join(folder, 'take.lua'),
  keys: ['state'],
  args: ['epoch', 'fence', 'format'],
  reply: 'buffer',
});
export const saveScript = defineScript({
  name: 'groups/save',
  file: join(folder, 'save.lua'),
  keys: ['state'],
  args: ['expectedFence', 'nextFence', 'emptiness', 'removedCount', 'fields…'],
  reply: 'text',
});
export const deleteScript = defineScript({
  name: 'groups/delete',
  file: join(folder, 'delete.lua'),
  keys: ['state', 'offsets'],
  args: ['fence'],
  reply: 'text',
});
export const expireScript = defineScript({
  name: 'groups/expire',
  file: join(folder, 'expire.lua'),
  keys: ['state', 'offsets'],
  args: ['retentionMs', 'cursor', 'count', 'format'],
  reply: 'text',
});
export const commitScript = defineScript({
  name: 'groups/commit',
  file: join(folder, 'commit.lua'),
  keys: ['state', 'offsets'],
  args: ['fence', 'offsets…'],
  reply: 'text',
});
export const openOffsetsScript = defineScript({
  name: 'groups/open-offsets',
  file: join(folder, 'open-offsets.lua'),
  keys: ['offsets'],
  args: ['format'],
  reply: 'text',
});
export const deleteOffsetsScript = defineScript({
  name: 'groups/delete-offsets',
  file: join(folder, 'delete-offsets.lua'),
  keys: ['state', 'offsets'],
  args: ['fence', 'fields…'],
  reply: 'text',
});
export const removeTopicScript = defineScript({
  name: 'groups/remove-topic',
  file: join(folder, 'remove-topic.lua'),
  keys: ['offsets'],
  args: ['pattern', 'cursor', 'count'],
  reply: 'text',
});
export const rememberScript = defineScript({
  name: 'groups/remember',
  file: join(folder, 'remember.lua'),
  keys: ['names'],
  args: ['name'],
  reply: 'text',
});

/** All of them, to be made known to the server so that commands keep the order of their sending. */
export const groupScripts: readonly Script[] = [
  takeScript,
  saveScript,
  deleteScript,
  expireScript,
  commitScript,
  openOffsetsScript,
  deleteOffsetsScript,
  removeTopicScript,
  rememberScript,
];
