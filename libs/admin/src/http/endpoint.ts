import { HttpCode, RequestMapping, RequestMethod } from '@nestjs/common';
import type { Role } from '../keys/api-keys';
import type { Shape } from './fields';
import type { ProblemCode } from './problems';

/** What an endpoint is, for the guard and for the documentation. */
export interface EndpointFacts {
  /** What the caller's key must allow; `open` needs none. */
  role: Role | 'open';
  /** In a few words, for lists of endpoints. */
  summary: string;
  /** More, where there is more to say. */
  about?: string;
  /** Status of the answer when all is well; 200 where it is left out. */
  status?: number;
  /** What is answered then; left out where there is no body, or one that is no JSON. */
  answers?: () => Shape;
  /** Media type of the answer. */
  produces?: string;
  /** An example of the answer. */
  example?: unknown;
  /** Problems of its own; those that every endpoint can have need not be named. */
  problems?: readonly ProblemCode[];
  /** Whether it takes `If-Match`, which every change of it needs or which may be left out. */
  ifMatch?: 'needed' | 'optional';
  /** Whether its answer has an `ETag`. */
  hasETag?: boolean;
  /** Further headers that it looks at, and what they are for. */
  headers?: Readonly<Record<string, string>>;
  /** It is for browsers, and not in the documentation. */
  isHidden?: boolean;
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

const factsKey = Symbol('EndpointFacts');

/**
 * Makes a method of a controller an endpoint. Its role is part of the declaration, so that none is
 * without one.
 */
export function Endpoint(method: Method, path: string, facts: EndpointFacts): MethodDecorator {
  return (target, name, descriptor) => {
    Reflect.defineMetadata(factsKey, facts, descriptor.value as object);
    RequestMapping({ path, method: RequestMethod[method] })(target, name, descriptor);
    HttpCode(facts.status ?? 200)(target, name, descriptor);
  };
}

/** What a method of a controller is as an endpoint; undefined when it is none. */
export function endpointFacts(method: object): EndpointFacts | undefined {
  return Reflect.getMetadata(factsKey, method) as EndpointFacts | undefined;
}
