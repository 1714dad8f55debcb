/** One way to compress the records of a batch. Both directions are synchronous. */
export interface Codec {
  /** `level` means what the codec says; those without levels ignore it. */
  compress(plain: Buffer, level?: number): Buffer;
  /** Must not take much more memory than `bytesMax` before it throws RecordsError `too-large`. */
  decompress(packed: Buffer, bytesMax: number): Buffer;
}
