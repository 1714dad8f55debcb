/** Limits of the retention worker. */
export const retentionLimits = {
  /** Partitions that are asked in one round trip whether anything of them may be due. */
  checkedAtOnceMax: 200,
  /** So many times as long as a trim step took, Redis is left to others before the next. */
  pausePerStep: 4,
  pauseMsMin: 1,
  pauseMsMax: 100,
  /** How often a topic is looked at while a record in it reaches its age. */
  checksPerRetention: 10,
  /** No topic is looked at more often than this. */
  checkMsMin: 1_000,
};
