import type { Clock, Logger } from '@sluice/base';
import type { ProducerSettings, StreamsConnectionOptions } from '@sluice/streams';
import type { StreamsDriver } from '../driver';
import type { StreamDeserializer, StreamSerializer } from '../serialization/serialization';

/** What of a driver a client uses. */
export type ClientDriver = Omit<StreamsDriver, 'createConsumer' | 'sendReply'>;

/** How a client of streams is to behave; what is missing has a default. */
export interface StreamsClientOptions {
  /** What it stands on, shared with others, who close it. Default: a connection of its own. */
  driver?: ClientDriver;
  /** How a connection of its own is made. */
  connection?: StreamsConnectionOptions;
  /** How it writes. */
  producer?: ProducerSettings;
  /** Default: JSON. */
  serializer?: StreamSerializer;
  /** Of answers. Default: JSON. */
  deserializer?: StreamDeserializer;
  /** How long a request waits for its answer, or for the next one, ms. Default: 30,000. */
  requestTimeoutMs?: number;
  /** Requests that may wait for answers at the same time. Default: 10,000. */
  requestsMax?: number;
  clock?: Clock;
  log?: Logger;
}
