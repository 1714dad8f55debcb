import { EventPattern, MessagePattern } from '@nestjs/microservices';
import {
  handlerOptionsKey,
  type StreamHandlerOptions,
  type StreamRequestOptions,
} from '../handlers/options';
import { STREAMS_TRANSPORT } from '../tokens';
import { checkTopicName } from './topic-names';

/** A topic by its name, or all whose whole name the pattern matches. */
export type StreamTopic = string | RegExp;

/** Any method. What its parameters are is between it and `@Payload()` and `@Ctx()`. */
export type StreamMethod = (...parameters: never[]) => unknown;

/** A decorator of methods of that kind. */
export type StreamMethodDecorator<Method extends StreamMethod = StreamMethod> = <
  Decorated extends Method,
>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Decorated>,
) => void;

/**
 * The method handles the records of a topic, or of several: one record with each call, or an array
 * of them with `batch`.
 *
 * @throws TypeError when no topic can have such a name
 */
export function StreamHandler(
  topic: StreamTopic | readonly StreamTopic[],
  options: StreamHandlerOptions = {},
): StreamMethodDecorator {
  const { transport = STREAMS_TRANSPORT, ...rest } = options;
  const extras = { [handlerOptionsKey]: rest };
  return asMethodDecorator(EventPattern<StreamTopic[]>(patternsOf(topic), transport, extras));
}

/**
 * The method answers the requests that come in a topic: what it returns, or each value of an
 * observable, is an answer. Records of the topic that ask for no answer are handled all the same.
 *
 * @throws TypeError when no topic can have such a name
 */
export function StreamRequest(
  topic: StreamTopic | readonly StreamTopic[],
  options: StreamRequestOptions = {},
): StreamMethodDecorator {
  const { transport = STREAMS_TRANSPORT, ...rest } = options;
  const extras = { [handlerOptionsKey]: rest };
  return asMethodDecorator(MessagePattern<StreamTopic[]>(patternsOf(topic), transport, extras));
}

function patternsOf(topic: StreamTopic | readonly StreamTopic[]): StreamTopic[] {
  const topics = typeof topic === 'string' || topic instanceof RegExp ? [topic] : [...topic];
  for (const one of topics) if (typeof one === 'string') checkTopicName(one);
  return topics;
}

function asMethodDecorator(decorate: MethodDecorator): StreamMethodDecorator {
  return (target, key, descriptor) => void decorate(target, key, descriptor);
}
