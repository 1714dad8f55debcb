/** Limits of the group requests that are not settings. */
export const groupRequestLimits = {
  /** Groups of one request (describe, delete, fetch offsets) that are asked at the same time. */
  groupsAtOnceMax: 16,
} as const;
