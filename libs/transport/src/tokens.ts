/**
 * Names this transport for handlers that shall be its alone, as in
 * `@EventPattern('x', STREAMS_TRANSPORT)`. The same symbol in every copy of the package.
 */
export const STREAMS_TRANSPORT = Symbol.for('sluice:streams');

/** Nest's token for the options that `StreamsModule.forRoot` was given. */
export const STREAMS_OPTIONS = Symbol.for('sluice:streams-options');

/** Nest's token for what servers and clients stand on; see `StreamsDriver`. */
export const STREAMS_DRIVER = Symbol.for('sluice:streams-driver');

/** The name of the client that `StreamsModule` makes where none is named. */
export const defaultStreamsClient = 'default';

/** Nest's token for the client of that name. */
export function streamsClientToken(name: string = defaultStreamsClient): string {
  return `SluiceStreamsClient:${name}`;
}
