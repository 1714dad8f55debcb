/** Limits of the retention worker. */
export const retentionLimits = {
  /** How long one step may keep Redis busy; what is left is done by the next. */
  stepMsMax: 2,
};
