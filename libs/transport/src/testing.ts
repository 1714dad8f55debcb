/** What services test themselves with: `@sluice/transport/testing`. */
export {
  MemoryStreams,
  type MemoryStreamsOptions,
  type TestRecord,
} from './test-kit/memory-streams';
