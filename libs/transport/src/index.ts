export { isReservedHeader, streamHeaders } from './headers';
export {
  defaultStreamsClient,
  STREAMS_OPTIONS,
  STREAMS_TRANSPORT,
  streamsClientToken,
} from './tokens';
