/** Limits of the admin HTTP endpoints. */
export const adminLimits = {
  /** Largest body of a request, in bytes. */
  bodyBytesMax: 4 * 1024 * 1024,
  /** How deep lists and objects of a body may lie in each other. */
  bodyDepthMax: 200,
  /** Bytes of all bodies that are being read and worked on; beyond it requests are refused. */
  bodiesBytesMax: 32 * 1024 * 1024,
  /** Largest request line and headers together, in bytes. */
  headBytesMax: 16 * 1024,
  /** Headers of one request. */
  headersMax: 100,
  /** Connections that may be open at once; further ones are closed. */
  adminConnectionsMax: 256,
  /** How long the head of a request may take to come. */
  headMsMax: 10_000,
  /** How long a whole request may take to come. */
  requestMsMax: 30_000,
  /** How long a connection may stay open without a request. */
  keepAliveMs: 5_000,
  /** A connection on which nothing moves for so long is closed, whoever is slow. */
  idleMs: 60_000,
  /** How often connections are looked at for those times. */
  connectionSweepMs: 1_000,
  /** How long a stop waits for requests that are under way. */
  stopGraceMs: 3_000,
  /** So many seconds' worth of requests of one caller may come at once. */
  requestsBurstSeconds: 2,
  /** Wrong keys from one address that are looked at one after the other. */
  wrongKeysBurstMax: 20,
  /** Wrong keys from one address in each second then. */
  wrongKeysPerSecondMax: 1,
  /** Callers whose requests are counted; the one that asked longest ago is forgotten first. */
  callersMax: 10_000,
  /** Keys that may be set up. */
  keysMax: 1_000,
  /** Items on one page of a list. */
  pageItemsMax: 1_000,
  /** The same where the request does not say. */
  pageItems: 100,
  /** Groups on one page of a list, each of which is described. */
  groupsOnPageMax: 200,
  /** The same where the request does not say. */
  groupsOnPage: 50,
  /** Topics and partitions whose offsets one request may reset or delete. */
  resetTopicsMax: 1_000,
  resetPartitionsMax: 10_000,
  /** Partitions of the topics on one page, where it tells how much is in them. */
  sizedPartitionsMax: 2_000,
  /** Characters of a problem's text; messages repeat what clients sent. */
  detailCharsMax: 1_000,
  /** Fields of a request that a problem names as wrong. */
  fieldErrorsMax: 50,
};
