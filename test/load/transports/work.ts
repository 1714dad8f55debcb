import type { CustomTransportStrategy } from '@nestjs/microservices';
import type { Observable } from 'rxjs';

/** The transports that are measured beside each other; the first two are ours. */
export const transportKinds = [
  'sluice',
  'sluice-at-most-once',
  'nest-redis',
  'nest-kafka',
  'streams-peer',
] as const;
export type TransportKind = (typeof transportKinds)[number];

/** What a service, and a client of it, is told. */
export interface TransportWork {
  kind: TransportKind;
  redisUrl: string;
  /** Of the gateway, for NestJS' Kafka transport. */
  kafkaPort: number;
  /** Where the peer is installed. */
  peerEntry: string;
}

/** Each has topics of its own. */
export function patternsOf(kind: TransportKind): { events: string; requests: string } {
  return { events: `bench.${kind}.events`, requests: `bench.${kind}.requests` };
}

/** What the bench asks of a service, and what it answers once so many have been handled. */
export interface Expectation {
  events: number;
}
export interface Handled {
  events: number;
  /** Events that came after one that was sent later. */
  outOfOrder: number;
}

/** What the bench asks of a client: events, or requests one after the other. */
export type ClientOrder = { events: number } | { requests: number; msMax: number };

/** What it answers once they are sent, or answered. */
export interface ClientOutcome {
  /** How long each request took. */
  tookMs: number[];
}

/** What all clients have, whatever events theirs knows. */
export interface BenchClient {
  connect(): Promise<unknown>;
  emit(pattern: string, data: unknown): Observable<unknown>;
  send(pattern: string, data: unknown): Observable<unknown>;
  close(): unknown;
}

/** What is used of the peer's exports. */
export interface PeerModule {
  RedisStreamServer: new (options: object) => CustomTransportStrategy;
  RedisStreamClient: new (options: object) => BenchClient;
}
