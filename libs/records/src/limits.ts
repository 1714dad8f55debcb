const KiB = 1024;
const MiB = 1024 * KiB;

/** Every limit that this library keeps to. */
export const limits = {
  /** What one batch may decompress to, unless the caller says otherwise. */
  decompressedBytesMax: 64 * MiB,
  /** How many records and headers, taken together, one batch may decode to. */
  decodedItemsMax: 1_000_000,
  /** Records of one batch that a refusal names as those to blame. */
  recordFaultsMax: 100,
  /** The largest batch that the format can express: its length is an int32. */
  batchBytesMax: 0x7fffffff,
  /** Input of one snappy chunk when we write; what snappy-java, and so Kafka's own clients, use. */
  snappyChunkBytes: 32 * KiB,
  /** How far a streamed zstd frame may run past the caller's limit before it is cut off. */
  zstdPieceBytesMax: 4 * MiB,
} as const;
