import type { ReadMessage } from './compile-reader';
import type { WriteMessage } from './compile-writer';
import { structSpec, type Decoded, type Input, type Shape, type StructSpec } from './schema';

/** The schema of a request or of a response, with the functions compiled from it, by version. */
export interface Message<S extends Shape = Shape> {
  readonly label: string;
  readonly fields: StructSpec;
  readonly readers: (ReadMessage | undefined)[];
  readonly writers: (WriteMessage | undefined)[];
  /** Only there for the compiler: the shape that message types are inferred from. */
  readonly shape: S;
}

/** One API of the protocol: its key, the versions served, and what its messages look like. */
export interface Api<Q extends Shape = Shape, R extends Shape = Shape> {
  readonly key: number;
  readonly name: string;
  readonly versions: { readonly min: number; readonly max: number };
  /** First version with compact lengths and tag buffers (KIP-482); null when there is none. */
  readonly flexibleFrom: number | null;
  readonly request: Message<Q>;
  readonly response: Message<R>;
}

export type RequestOf<A> = A extends Api<infer Q, Shape> ? Decoded<Q> : never;
export type ResponseOf<A> = A extends Api<Shape, infer R> ? Decoded<R> : never;
export type RequestInput<A> = A extends Api<infer Q, Shape> ? Input<Q> : never;
export type ResponseInput<A> = A extends Api<Shape, infer R> ? Input<R> : never;

export interface ApiOptions {
  readonly name: string;
  /** `'0-4'`, both included. */
  readonly versions: `${number}-${number}`;
  /** `'4+'`, or `'none'`. */
  readonly flexible: `${number}+` | 'none';
}

/** Defines an API. Nothing is compiled yet: that happens for each version when it is first used. */
export function api<Q extends Shape, R extends Shape>(
  key: number,
  options: ApiOptions,
  messages: { readonly request: Q; readonly response: R },
): Api<Q, R> {
  const [min, max] = options.versions.split('-').map(Number) as [number, number];
  return {
    key,
    name: options.name,
    versions: { min, max },
    flexibleFrom: options.flexible === 'none' ? null : Number.parseInt(options.flexible, 10),
    request: message(`${options.name} request`, messages.request),
    response: message(`${options.name} response`, messages.response),
  };
}

function message<S extends Shape>(label: string, shape: S): Message<S> {
  return { label, fields: structSpec(shape), shape, readers: [], writers: [] };
}

export function isFlexible(api: Api, version: number): boolean {
  return api.flexibleFrom !== null && version >= api.flexibleFrom;
}

export function isServed(api: Api, version: number): boolean {
  return version >= api.versions.min && version <= api.versions.max;
}
