import { join } from 'node:path';
import { defineScript } from '@sluice/redis';

const folder = join(__dirname, '..', 'scripts');

export const takeScript = defineScript({
  name: 'groups/take',
  file: join(folder, 'take.lua'),
  keys: ['state?'],
  args: ['epoch', 'fence', 'format'],
  reply: { taken: { 'fields…': 'bytes' } },
  refused: {
    missing: {},
    unreadable: {},
    outdated: { fence: 'text' },
    newer: { format: 'text' },
    assigned: {},
  },
});
export const readScript = defineScript({
  name: 'groups/read',
  file: join(folder, 'read.lua'),
  keys: ['state?'],
  args: ['format'],
  reply: { found: { now: 'text', 'fields…': 'text' } },
  refused: { unreadable: {}, newer: { format: 'text' } },
});
export const heartbeatScript = defineScript({
  name: 'groups/heartbeat',
  file: join(folder, 'heartbeat.lua'),
  keys: ['state?'],
  args: ['memberId', 'memberEpoch', 'sessionTimeoutMs', 'claimMs'],
  reply: { alive: { revision: 'int', isLookDue: 'int' } },
  refused: { fenced: {} },
});
export const commitOwnedScript = defineScript({
  name: 'groups/commit-owned',
  file: join(folder, 'commit-owned.lua'),
  keys: ['state', 'offsets'],
  args: ['memberId', 'memberEpoch', 'sequence', 'format', 'offsets…'],
  reply: { committed: { 'lineages…': 'int' } },
  refused: { fenced: {}, late: {}, newer: {} },
});
export const saveScript = defineScript({
  name: 'groups/save',
  file: join(folder, 'save.lua'),
  keys: ['state?'],
  args: [
    'expectedFence',
    'nextFence',
    'emptiness',
    'channel',
    'message',
    'removedCount',
    'fields…',
  ],
  reply: { saved: {} },
  refused: { stale: {} },
});
export const deleteScript = defineScript({
  name: 'groups/delete',
  file: join(folder, 'delete.lua'),
  keys: ['state', 'offsets'],
  args: ['fence'],
  reply: { deleted: {} },
  refused: { stale: {} },
});
export const expireScript = defineScript({
  name: 'groups/expire',
  file: join(folder, 'expire.lua'),
  keys: ['state?', 'offsets?'],
  args: ['retentionMs', 'cursor', 'count', 'format'],
  reply: {
    missing: {},
    gone: { removed: 'int' },
    kept: { cursor: 'text', removed: 'int' },
  },
  refused: { live: { engine: 'text' }, unreadable: {} },
});
export const commitScript = defineScript({
  name: 'groups/commit',
  file: join(folder, 'commit.lua'),
  keys: ['state', 'offsets'],
  args: ['fence', 'format', 'offsets…'],
  reply: { committed: {} },
  refused: { stale: {}, newer: {} },
});
export const openOffsetsScript = defineScript({
  name: 'groups/open-offsets',
  file: join(folder, 'open-offsets.lua'),
  keys: ['offsets?'],
  args: ['format'],
  reply: { open: {} },
  refused: { unreadable: {} },
});
export const deleteOffsetsScript = defineScript({
  name: 'groups/delete-offsets',
  file: join(folder, 'delete-offsets.lua'),
  keys: ['state', 'offsets'],
  args: ['fence', 'fields…'],
  reply: { deleted: {} },
  refused: { stale: {} },
});
export const removeTopicScript = defineScript({
  name: 'groups/remove-topic',
  file: join(folder, 'remove-topic.lua'),
  keys: ['offsets?'],
  args: ['pattern', 'cursor', 'count'],
  reply: { scanned: { cursor: 'text' } },
  refused: { unreadable: {} },
});
export const rememberScript = defineScript({
  name: 'groups/remember',
  file: join(folder, 'remember.lua'),
  keys: ['names?'],
  args: ['name'],
  reply: { remembered: {} },
});
