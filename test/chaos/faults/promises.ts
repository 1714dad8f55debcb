import { partitionLimits } from '@sluice/log';
import type { FaultNote } from '../history/operation';

/** For how long before a fault acknowledged records may be lost. */
export type MayLoseMs = FaultNote['mayLoseMs'];

/** What is promised: zero means zero. */
export const nothing: MayLoseMs = { one: 0, all: 0 };

/**
 * A failover takes what the promoted replica had not received; a primary that was cut off goes on
 * taking writes until it notices. What all copies have confirmed survives both: the topic asks for
 * as many as there are.
 */
export const notReplicated: MayLoseMs = { one: partitionLimits.lossMsMax, all: 0 };

/**
 * What the power cut of a Redis with `appendfsync everysec` may take: the last second or two. The
 * number is the one that the offsets' reservation goes by, too. On one node acks=all promises no
 * more than acks=1 until Redis is asked for the disk.
 */
export const lastSeconds: MayLoseMs = {
  one: partitionLimits.lossMsMax,
  all: partitionLimits.lossMsMax,
};
