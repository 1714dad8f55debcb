import { join } from 'node:path';
import { defineScript } from '@sluice/redis';

const file = (name: string): string => join(__dirname, 'scripts', `${name}.lua`);

/** Adds a list of batches to a partition. The one script on the hot path. */
export const appendScript = defineScript({
  name: 'log/append',
  file: file('append'),
  keys: ['meta', 'log', 'producers', 'spans?', 'open…'],
  args: ['leadership', 'position', 'confirmed', 'wake', 'reservation', 'facts', 'batches…'],
  reply: {
    all: { logStart: 'int', logEnd: 'int', maxTimestamp: 'int', epoch: 'int' },
    some: {
      logStart: 'int',
      logEnd: 'int',
      maxTimestamp: 'int',
      epoch: 'int',
      times: 'ints',
      'verdicts…': 'int',
    },
    wait: { ms: 'int' },
  },
  refused: {
    moved: { logEnd: 'int', maxTimestamp: 'int' },
    unfit: {},
    'fenced-leader': {},
    'unknown-partition': {},
    'newer-format': {},
  },
});

/** What the append script answers. */
export type AppendScriptReply = Awaited<ReturnType<typeof appendScript.call>>;

/** Takes a partition for a leadership, and tells what `bounds` tells. */
export const leadScript = defineScript({
  name: 'log/lead',
  file: file('lead'),
  keys: ['meta'],
  args: ['leadership', 'epochsMax', 'wake'],
  reply: {
    led: {
      start: 'int',
      next: 'int',
      bytes: 'int',
      batches: 'int',
      largest: 'int',
      maxTimestamp: 'int',
      epoch: 'int',
      epochs: 'text',
      confirmed: 'text',
    },
  },
  refused: { fenced: { leadership: 'int' }, 'unknown-partition': {}, 'newer-format': {} },
});

/** Moves a partition's high watermark. */
export const confirmScript = defineScript({
  name: 'log/confirm',
  file: file('confirm'),
  keys: ['meta'],
  args: ['upTo', 'wake'],
  reply: { confirmed: { highWatermark: 'int', logEnd: 'int' } },
  refused: { 'unknown-partition': {}, 'newer-format': {} },
});

/** Makes an empty partition, unless it is there. */
export const createPartitionScript = defineScript({
  name: 'log/create-partition',
  file: file('create-partition'),
  keys: ['meta?', 'log?', 'producers?', 'spans?', 'delivery?'],
  args: ['reservation'],
  reply: { created: {} },
  refused: { exists: {} },
});

/** Sees to it that no offset is given twice after a loss. */
export const recoverScript = defineScript({
  name: 'log/recover',
  file: file('recover'),
  keys: ['meta', 'log?', 'open?', 'spans?'],
  args: ['target', 'history', 'reservation', 'epochsMax', 'wake'],
  reply: {
    same: { logEnd: 'int', epoch: 'int' },
    moved: { logEnd: 'int', epoch: 'int', from: 'int' },
  },
  refused: { 'unknown-partition': {}, 'newer-format': {} },
});

/** Enters a writer, or another history of it, or says that it is still there. */
export const writersEnterScript = defineScript({
  name: 'log/writers-enter',
  file: file('writers-enter'),
  keys: ['writers?', 'format?'],
  args: ['token', 'history', 'format', 'enteredAtMs'],
  reply: { entered: { nowMs: 'int' } },
});

/** Takes away a writer that has stopped in good order. */
export const writersLeaveScript = defineScript({
  name: 'log/writers-leave',
  file: file('writers-leave'),
  keys: ['writers'],
  args: ['token', 'stoppedField', 'history', 'left'],
  reply: { left: {} },
});

/** Leaves out producer ids after a loss. */
export const skipProducerIdsScript = defineScript({
  name: 'log/skip-producer-ids',
  file: file('skip-producer-ids'),
  keys: ['producerIds?'],
  args: ['count'],
  reply: { skipped: {} },
});

/** Keeps fewer offsets free where fewer are needed. */
export const settleScript = defineScript({
  name: 'log/settle',
  file: file('settle'),
  keys: ['meta'],
  args: ['reservation', 'quietMs'],
  reply: { settled: { reserved: 'int' } },
  refused: { 'unknown-partition': {}, 'newer-format': {} },
});

/** Makes the meta hash true where the stream lacks batches. */
export const findMissingScript = defineScript({
  name: 'log/find-missing',
  file: file('find-missing'),
  keys: ['meta', 'log?', 'spans?'],
  args: ['wake'],
  reply: { whole: {}, missing: { batches: 'int', logStart: 'int', logEnd: 'int' } },
  refused: { 'unknown-partition': {}, 'newer-format': {} },
});

/** Moves the log start forward to an offset. */
export const deleteRecordsScript = defineScript({
  name: 'log/delete-records',
  file: file('delete-records'),
  keys: ['meta'],
  args: ['beforeOffset', 'wake'],
  reply: { start: { logStart: 'int' } },
  refused: { 'out-of-range': {}, 'unknown-partition': {}, 'newer-format': {} },
});

/** One step of dropping batches at the head. */
export const trimScript = defineScript({
  name: 'log/trim',
  file: file('trim'),
  keys: ['meta', 'log', 'spans?'],
  args: [
    'retentionMs',
    'retentionBytes',
    'nowMs',
    'spanBytesMax',
    'spanBatchesMax',
    'readBytesMax',
    'readBatchesMax',
    'wake',
  ],
  reply: {
    done: { logStart: 'int', offsets: 'int', batches: 'int', bytes: 'int' },
    more: { logStart: 'int', offsets: 'int', batches: 'int', bytes: 'int' },
  },
  refused: { 'unknown-partition': {}, 'newer-format': {}, missing: {} },
});

/** One step of forgetting producers. */
export const evictProducersScript = defineScript({
  name: 'log/evict-producers',
  file: file('evict-producers'),
  keys: ['meta', 'producers'],
  args: ['cursor', 'count', 'unusedMs', 'belowStartUnusedMs'],
  reply: { step: { cursor: 'text', evicted: 'int' } },
  refused: { 'newer-format': {} },
});

/** Finds the batch for a time. */
export const seekScript = defineScript({
  name: 'log/seek',
  file: file('seek'),
  keys: ['meta', 'log'],
  args: ['timestampMs', 'fromOffset', 'entriesMax'],
  reply: {
    found: { logStart: 'int', lastOffset: 'int', batch: 'bytes' },
    more: { nextOffset: 'int' },
    none: {},
  },
  refused: { 'unknown-partition': {} },
});

/** One step of a search for the largest timestamp. */
export const largestTimestampScript = defineScript({
  name: 'log/largest-timestamp',
  file: file('largest-timestamp'),
  keys: ['log'],
  args: ['fromOffset', 'entriesMax'],
  reply: {
    done: { nextOffset: 'int', timestampMs: 'int', lastOffset: 'int' },
    more: { nextOffset: 'int', timestampMs: 'int', lastOffset: 'int' },
  },
});

/** Notes what a request with an Idempotency-Key is going to write. */
export const idempotencyClaimScript = defineScript({
  name: 'log/idempotency-claim',
  file: file('idempotency-claim'),
  keys: ['requests?', 'times?'],
  args: ['digest', 'request', 'keptMs', 'keptMsMin', 'countMax', 'forgottenMax'],
  reply: { claimed: { 'forgotten…': 'text' }, known: { request: 'text' } },
  refused: { full: {} },
});

/** Notes what came of it. */
export const idempotencyCompleteScript = defineScript({
  name: 'log/idempotency-complete',
  file: file('idempotency-complete'),
  keys: ['requests?'],
  args: ['digest', 'noted', 'completed'],
  reply: { completed: {} },
  refused: { other: { request: 'text' } },
});
