/** What a gateway can be told; apps/gateway fills it from its settings. */
export interface BrokerOptions {
  /** Address to listen on; `::` takes IPv4 too. */
  host: string;
  /** 0 takes any free port. */
  port: number;
  advertisedHost: string;
  /** Defaults to the port that is really listened on. */
  advertisedPort?: number;
  autoCreateTopics: boolean;
  defaultPartitions: number;
  connectionsMax: number;
  /** A connection without any traffic for so long is closed (Kafka's connections.max.idle.ms). */
  connectionIdleMs: number;
  /** A larger request closes its connection (Kafka's socket.request.max.bytes). */
  frameBytesMax: number;
  /** Bytes of requests in memory, over all connections; reading pauses beyond it. */
  inFlightBytesMax: number;
  /** Bytes of lately appended batches kept ready for consumers. */
  hotBytesMax: number;
  /** How long acks=all waits for replicas. */
  replicationTimeoutMs: number;
  /** How long a stop waits for requests that are under way. */
  shutdownGraceMs: number;
}

/** Defaults for everything but the address. */
export const defaultBrokerOptions: BrokerOptions = {
  host: '::',
  port: 9092,
  advertisedHost: 'localhost',
  autoCreateTopics: true,
  defaultPartitions: 1,
  connectionsMax: 10_000,
  connectionIdleMs: 600_000,
  frameBytesMax: 100 * 1024 * 1024,
  inFlightBytesMax: 256 * 1024 * 1024,
  hotBytesMax: 64 * 1024 * 1024,
  replicationTimeoutMs: 5_000,
  shutdownGraceMs: 10_000,
};
