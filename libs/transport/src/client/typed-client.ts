import type { SentRecord } from '@sluice/streams';
import type { Observable } from 'rxjs';
import type { StreamRecord } from '../building/stream-record';
import type { StreamsClient } from './streams-client';

type Name<Topics> = keyof Topics & string;
type Given<Value> = Value | StreamRecord<Value>;
/** What is asked and what is answered, by topic. */
type Exchanges = Record<string, { request: unknown; reply: unknown }>;

/**
 * A `StreamsClient` that knows the topics and what is in them, so that the compiler refuses an
 * event that its readers do not know:
 *
 *     interface Events { orders: Order; payments: Payment }
 *     interface Requests { totals: { request: TotalOf; reply: Total } }
 *     constructor(@InjectStreamsClient() private client: TypedStreamsClient<Events, Requests>) {}
 */
export interface TypedStreamsClient<
  Events extends object,
  Requests extends { [Topic in keyof Requests]: Exchanges[string] } = Record<never, never>,
> extends Pick<StreamsClient, 'close' | 'connect' | 'on' | 'status' | 'unwrap'> {
  emit<Topic extends Name<Events>>(
    topic: Topic,
    data: Given<Events[Topic]>,
  ): Observable<SentRecord>;
  emitBatch<Topic extends Name<Events>>(
    topic: Topic,
    data: readonly Given<Events[Topic]>[],
  ): Promise<SentRecord[]>;
  publish<Topic extends Name<Events>>(
    topic: Topic,
    data: Given<Events[Topic]>,
  ): Promise<SentRecord>;
  send<Topic extends Name<Requests>>(
    topic: Topic,
    data: Given<Requests[Topic]['request']>,
  ): Observable<Requests[Topic]['reply']>;
}
