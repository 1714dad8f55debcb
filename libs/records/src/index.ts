export {
  compressionOf,
  isControl,
  isTransactional,
  usesLogAppendTime,
  type CompressionName,
} from './attributes';
export { checkProducedBatch } from './check';
export { crc32c } from './crc32c';
export { decodeBatch, type RecordData, type RecordHeader } from './decode';
export { encodeBatch, type BatchOptions, type RecordInput } from './encode';
export { RecordsError, type RecordsErrorCode } from './errors';
export { batchHeaderBytes, batchSizeAt, readBatchHeader, type BatchHeader } from './header';
export { limits as recordsLimits } from './limits';
export { murmur2, partitionForKey } from './partitioner';
export { recompressBatch, type RecompressOptions } from './recompress';
export { firstRecordAtOrAfter, maxTimestampRecord, type RecordPosition } from './search';
export { mendMaxTimestamp, stampBatch, stampLogAppendTime } from './stamp';
export type { DecodeOptions } from './body';
