import { join } from 'node:path';
import { defineScript } from '@sluice/redis';

const file = (name: string): string => join(__dirname, '..', 'scripts', `delivery-${name}.lua`);

/** Takes a partition for the member of a group to which it was granted. */
export const claimScript = defineScript({
  name: 'log/delivery-claim',
  file: file('claim'),
  keys: ['meta', 'log', 'delivery?'],
  args: ['group', 'member', 'epoch', 'committed', 'lineage'],
  reply: { claimed: { progress: 'int', logStart: 'int', logEnd: 'int', entryBytes: 'int' } },
  refused: { fenced: { epoch: 'int' }, 'unknown-partition': {}, 'newer-format': {} },
});

/** Takes over what was delivered before. */
export const takeScript = defineScript({
  name: 'log/delivery-take',
  file: file('take'),
  keys: ['log', 'delivery'],
  args: ['group', 'member', 'epoch', 'progress', 'fromOffset', 'entriesMax'],
  reply: { taken: { 'entries…': 'bytes' } },
  refused: { fenced: {}, unclaimed: {} },
});

/** Notes how far the owner of a partition has come. */
export const acknowledgeScript = defineScript({
  name: 'log/delivery-ack',
  file: file('ack'),
  keys: ['log', 'delivery'],
  args: ['group', 'member', 'epoch', 'sequence', 'progress', 'ids…'],
  reply: { acknowledged: {} },
  refused: { fenced: {}, unclaimed: {}, late: {} },
});

/** Moves the owner of a partition to another offset. */
export const seekScript = defineScript({
  name: 'log/delivery-seek',
  file: file('seek'),
  keys: ['meta', 'log', 'delivery'],
  args: ['group', 'member', 'epoch', 'sequence', 'offset'],
  reply: { moved: { progress: 'int' } },
  refused: { fenced: {}, unclaimed: {}, late: {} },
});

/** Removes the stream's consumers that are of no use any more. */
export const tidyScript = defineScript({
  name: 'log/delivery-tidy',
  file: file('tidy'),
  keys: ['log', 'delivery'],
  args: ['group', 'member', 'epoch', 'kept'],
  reply: { tidied: { consumers: 'int' } },
  refused: { fenced: {}, unclaimed: {} },
});

/** Removes what a partition keeps of a group that is gone. */
export const forgetScript = defineScript({
  name: 'log/delivery-forget',
  file: file('forget'),
  keys: ['log', 'delivery'],
  args: ['group', 'seen'],
  reply: { forgotten: {} },
  refused: { changed: {} },
});
