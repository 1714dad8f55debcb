import type { Clock, Logger, Metrics } from '@sluice/base';
import type { StreamsConnectionOptions, TopicTerms } from '@sluice/streams';
import type { StreamsClientOptions } from '../client/client-options';
import type { StreamsDriver } from '../driver';
import type { StreamsServerOptions } from '../server/server-options';

/** What may be said of a client. */
type ClientTerms = Omit<StreamsClientOptions, 'clock' | 'connection' | 'driver' | 'log'>;

/** What `StreamsModule.forRoot` is told; what is missing has a default. */
export interface StreamsModuleOptions {
  /** Where Redis is, and what this process does with it. */
  connection?: StreamsConnectionOptions;
  /** What clients have in common; one with a name may have something else. */
  client?: ClientTerms;
  /** How handlers are served, once `connectStreams` was called; false: there is no server. */
  server?: Omit<StreamsServerOptions, 'clock' | 'driver' | 'log' | 'metrics'> | false;
  /** What all stands on in place of a Redis, as the memory of a test; the module closes it. */
  driver?: StreamsDriver;
  clock?: Clock;
  /** Default: Nest's logger. */
  log?: Logger;
  metrics?: Metrics;
}

/** A client with a name, for `@InjectStreamsClient(name)`. */
export interface NamedClient extends ClientTerms {
  name: string;
}

/** A topic that a part of an app needs. */
export interface FeatureTopic extends Pick<TopicTerms, 'configs' | 'partitions'> {
  name: string;
}

/** What a part of an app needs of the streams. */
export interface StreamsFeature {
  clients?: readonly NamedClient[];
  /** Made at the start where they are not there; one that is there stays as it is. */
  topics?: readonly FeatureTopic[];
}
