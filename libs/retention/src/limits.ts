/** Limits of the retention worker. */
export const retentionLimits = {
  /** How long one step may keep Redis busy; what is left is done by the next. */
  stepMsMax: 2,
  /** How often a topic is looked at while a record in it reaches its age. */
  checksPerRetention: 10,
  /** No topic is looked at more often than this. */
  checkMsMin: 1_000,
};
