import { join } from 'node:path';
import { defineScript } from '@sluice/redis';

const folder = join(__dirname, '..', 'scripts');

export const joinScript = defineScript({
  name: 'cluster/join',
  file: join(folder, 'join.lua'),
  keys: ['brokers?', 'sessions?', 'controller?', 'leaders?'],
  args: [
    'wantedId',
    'firstId',
    'process',
    'token',
    'takesPlace',
    'place',
    'sessionMs',
    'quietMs',
    'description',
    'channel',
  ],
  reply: {
    joined: { id: 'int', entry: 'text', former: 'text' },
    held: { id: 'int', entry: 'text', renewedUntilMs: 'int', leftMs: 'int' },
  },
});
export const heartbeatScript = defineScript({
  name: 'cluster/heartbeat',
  file: join(folder, 'heartbeat.lua'),
  keys: ['brokers', 'sessions', 'controller', 'leaders'],
  args: ['id', 'token', 'sessionMs', 'quietMs', 'mark', 'channel'],
  reply: {
    alive: {
      version: 'int',
      leaderCount: 'int',
      controllerId: 'int',
      fence: 'text',
      endsInMs: 'int',
    },
  },
  refused: { fenced: {} },
});
export const leaveScript = defineScript({
  name: 'cluster/leave',
  file: join(folder, 'leave.lua'),
  keys: ['brokers', 'sessions', 'controller'],
  args: ['id', 'token', 'channel'],
  reply: { left: {} },
  refused: { fenced: {} },
});
export const tellScript = defineScript({
  name: 'cluster/tell',
  file: join(folder, 'tell.lua'),
  keys: ['brokers', 'controller'],
  args: ['id', 'token', 'entry', 'channel'],
  reply: { told: {} },
  refused: { fenced: {} },
});
export const reapScript = defineScript({
  name: 'cluster/reap',
  file: join(folder, 'reap.lua'),
  keys: ['brokers', 'sessions', 'controller'],
  args: ['fence', 'sessionMs', 'longestMs', 'quietMs', 'channel'],
  reply: { reaped: { 'ids…': 'text' } },
  refused: { fenced: {} },
});
export const assignScript = defineScript({
  name: 'cluster/assign',
  file: join(folder, 'assign.lua'),
  keys: ['controller', 'leaders'],
  args: ['fence', 'channel', 'changes…'],
  reply: { assigned: { version: 'int', 'stale…': 'text' } },
  refused: { fenced: {} },
});
export const raiseScript = defineScript({
  name: 'cluster/raise',
  file: join(folder, 'raise.lua'),
  keys: ['brokers', 'controller', 'leaders'],
  args: ['id', 'token', 'channel', 'changes…'],
  reply: { raised: { version: 'int' } },
  refused: { fenced: {}, stale: {} },
});
export const readClusterScript = defineScript({
  name: 'cluster/read',
  file: join(folder, 'read.lua'),
  keys: ['brokers', 'controller', 'leaders'],
  args: [],
  reply: {
    read: { version: 'int', controllerId: 'int', brokers: 'texts', leaders: 'texts' },
  },
});
