import type { StreamHandlerOptions, StreamRequestOptions } from '../handlers/options';
import { StreamHandler, StreamRequest, type StreamMethodDecorator } from './stream-handler';

/** The first parameter takes this; what follows is for `@Ctx()` and others. */
type HandlerOf<Value> = (value: Value, ...rest: never[]) => unknown;

type Name<Events> = keyof Events & string;
type WithBatch = StreamHandlerOptions & { batch: Exclude<StreamHandlerOptions['batch'], false> };
type WithoutBatch = StreamHandlerOptions & { batch?: false };

/** The decorators for topics whose values have known types. */
export interface TypedStreams<Events extends object> {
  StreamHandler: {
    <Topic extends Name<Events>>(
      topic: Topic | readonly Topic[],
      options: WithBatch,
    ): StreamMethodDecorator<HandlerOf<Events[Topic][]>>;
    <Topic extends Name<Events>>(
      topic: Topic | readonly Topic[],
      options?: WithoutBatch,
    ): StreamMethodDecorator<HandlerOf<Events[Topic]>>;
  };
  StreamRequest: <Topic extends Name<Events>>(
    topic: Topic | readonly Topic[],
    options?: StreamRequestOptions,
  ) => StreamMethodDecorator<HandlerOf<Events[Topic]>>;
}

/**
 * `StreamHandler` and `StreamRequest` that know the topics and what is in them, so that a handler
 * whose first parameter does not take it is refused by the compiler:
 *
 *     interface Events { orders: Order; payments: Payment }
 *     const { StreamHandler } = typedStreams<Events>();
 */
export function typedStreams<Events extends object>(): TypedStreams<Events> {
  return { StreamHandler, StreamRequest } as TypedStreams<Events>;
}
