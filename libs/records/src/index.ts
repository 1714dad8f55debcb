export {
  compressionMask,
  compressionOf,
  isControl,
  isTransactional,
  usesLogAppendTime,
  type CompressionName,
} from './attributes';
export { checkProducedBatch } from './check';
export { crc32c } from './crc32c';
export { decodeBatch, visitRecords, type RecordData, type RecordHeader } from './decode';
export { encodeBatch, recordBytesMost, type BatchOptions, type RecordInput } from './encode';
export { RecordsError, type RecordFault, type RecordsErrorCode } from './errors';
export {
  applyFindings,
  examineRecords,
  type ExaminedHeader,
  type ExamineRules,
  type Findings,
} from './examine';
export { batchHeaderBytes, batchSizeAt, readBatchHeader, type BatchHeader } from './header';
export { limits as recordsLimits } from './limits';
export { faultOf, type RecordRules } from './rules';
export { murmur2, partitionForKey } from './partitioner';
export { firstRecordAtOrAfter, maxTimestampRecord, type RecordPosition } from './search';
export { stampBatch, stampLogAppendTime } from './stamp';
export type { DecodeOptions } from './body';
