/** Limits of the admin HTTP endpoints. */
export const adminLimits = {
  /** Largest body of a request, in bytes. */
  bodyBytesMax: 4 * 1024 * 1024,
};
