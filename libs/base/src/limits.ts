/** Limits of what every library uses. */
export const baseLimits = {
  /** How long the stop of one part may take before the next one is stopped, unless it says more. */
  partStopMsMax: 10_000,
  /** Sets of label values that a metric keeps apart, unless it says more; then comes `other`. */
  labelSetsMax: 100,
  /** How old a value in the metrics may be that Redis has to be asked for. */
  sampleAgeMs: 10_000,
};
