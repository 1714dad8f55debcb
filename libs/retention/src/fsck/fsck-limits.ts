/** Limits of the check of all keys. */
export const fsckLimits = {
  /** Keys that Redis looks at in one step, also those of other programs. */
  scanCount: 500,
  /** Keys that are named in the result, and how much of each name. */
  samplesMax: 20,
  sampleCharactersMax: 200,
  /** Groups that the index lacks, and that are known as such to one check. */
  unlistedGroupsMax: 10_000,
  /** Deleted topics whose offsets one check hands on. */
  goneTopicsMax: 10_000,
};
