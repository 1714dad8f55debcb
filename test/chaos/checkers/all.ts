import { abortedRead } from './aborted-read';
import type { Checker } from './checker';
import { committedOffset } from './committed-offset';
import { crash } from './crash';
import { duplicate } from './duplicate';
import { finalLog } from './final-log';
import { groupOwnership } from './group-ownership';
import { inconsistentOffsets } from './inconsistent-offsets';
import { liveness } from './liveness';
import { logBounds } from './log-bounds';
import { lostWrite } from './lost-write';
import { nonmonotonicPoll } from './nonmonotonic-poll';
import { nonmonotonicSend } from './nonmonotonic-send';
import { pollSkip } from './poll-skip';
import { refusedSequence } from './refused-sequence';
import { staleCommit } from './stale-commit';
import { staleLeaderAppend } from './stale-leader-append';
import { unseen } from './unseen';

export const allCheckers: readonly Checker[] = [
  lostWrite,
  duplicate,
  inconsistentOffsets,
  abortedRead,
  refusedSequence,
  nonmonotonicSend,
  nonmonotonicPoll,
  pollSkip,
  unseen,
  finalLog,
  logBounds,
  staleLeaderAppend,
  groupOwnership,
  staleCommit,
  committedOffset,
  liveness,
  crash,
];
