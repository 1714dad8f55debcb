import type { Clock, Logger, Metrics } from '@sluice/base';
import type { ConsumedRecord, ConsumerSettings, ProducerSettings } from '@sluice/streams';
import { headerText } from '../context/stream-context';
import type { StreamsDriver } from '../driver';
import type { StreamHandlerOptions } from '../handlers/options';
import type { StreamDeserializer, StreamSerializer } from '../serialization/serialization';

/** How a server of streams is to behave; what is missing has a default. */
export interface StreamsServerOptions {
  /** What it stands on. */
  driver: StreamsDriver;
  /**
   * Whether the driver is the server's alone, and closed with it. Default: false; whoever made it
   * closes it, after the server.
   */
  closesDriver?: boolean;
  /** The consumer group of the handlers that name none, exactly as it is called in Redis. */
  group?: string;
  /** What handlers of events do that do not say it themselves. */
  handlers?: Omit<StreamHandlerOptions, 'eventType' | 'group' | 'transport'>;
  /** How the members of the groups are to behave. */
  consumer?: Omit<ConsumerSettings, 'delivery' | 'drainMs' | 'group' | 'startFrom' | 'topics'>;
  /** How dead letters and records to be tried again are written. */
  producer?: ProducerSettings;
  /** Of answers. Default: JSON. */
  serializer?: StreamSerializer;
  /** Of records, where the handler has none of its own. Default: JSON. */
  deserializer?: StreamDeserializer;
  /**
   * The type of a record, for topics with handlers for several. Default: its header `event-type`,
   * or `ce_type` as CloudEvents have it.
   */
  eventTypeOf?: (record: ConsumedRecord) => string | undefined;
  /** How long the end waits for handlers that run. Default: 10 s. */
  drainTimeoutMs?: number;
  /** Which handlers are its own, where an app has several servers. */
  transportId?: symbol;
  clock?: Clock;
  log?: Logger;
  /** Default: those of prom-client's default registry, where it is installed. */
  metrics?: Metrics;
}

export const defaultDrainTimeoutMs = 10_000;

/** The type that a record's headers tell. */
export function eventTypeInHeaders({ headers }: ConsumedRecord): string | undefined {
  return headerText(headers, 'event-type') ?? headerText(headers, 'ce_type');
}
