/** Limits of the admin requests that are not settings. */
export const adminLimits = {
  /** Items of one request (topics, resources, groups) that are worked on at the same time. */
  itemsAtOnceMax: 8,
  /** The longest a request may go on beginning items, whatever its client allows. */
  requestMsMax: 120_000,
} as const;
