import type { Clock, Logger, Metrics } from '@sluice/base';
import type { ProducerSettings, StreamsConnectionOptions, TopicTerms } from '@sluice/streams';
import type { StreamsClientOptions } from '../client/client-options';
import type { StreamsDriver } from '../driver';

/** What the clients of an app have in common; each may have something else. */
type ClientTerms = Pick<
  StreamsClientOptions,
  'serializer' | 'deserializer' | 'requestTimeoutMs' | 'requestsMax'
>;

/** What `StreamsModule.forRoot` is told; what is missing has a default. */
export interface StreamsModuleOptions extends StreamsConnectionOptions, ClientTerms {
  /** How clients write. */
  producer?: ProducerSettings;
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
  /** Default: as `forRoot` says. */
  producer?: ProducerSettings;
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
