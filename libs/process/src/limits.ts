/** Limits of a process' start and end. */
export const processLimits = {
  /**
   * A second signal ends the program at once, when it comes so much later: Ctrl-C may arrive twice
   * at the same moment, from the terminal and from npm; a person's second one comes later.
   */
  secondSignalMs: 1_000,
  /** What may still be under way after all parts have stopped; then the process is ended. */
  lingerMsMax: 5_000,
  /** Log lines that wait because nobody reads; those beyond it are dropped and counted. */
  logWaitingBytesMax: 1024 * 1024,
  /** How often it is tried to write them. */
  logRetryMs: 20,
  /** How long the end of the process waits for somebody to read them. */
  logFlushMsMax: 1_000,
};
