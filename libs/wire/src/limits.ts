/** The named limits of the codec. */
export const wireLimits = {
  /**
   * Array elements of one message, all arrays together. They cost more memory than bytes on the
   * wire (an empty struct of two bytes becomes an object of sixty; a partition number becomes an
   * answer), so their number is limited whatever the frame's size. A request over every partition
   * of a very large cluster stays well below.
   */
  elementsMax: 262_144,
  /**
   * Bytes of a string. A classic string has no room for more; a longer compact one could not be
   * told to clients of older versions, so it is refused, as Kafka does.
   */
  stringBytesMax: 32_767,
  /** Buffers of at least this many bytes go out by reference; smaller ones are cheaper to copy. */
  referenceBytesMin: 1024,
  /** Size of the encoder's scratch memory, and the size above which a grown one is not kept. */
  scratchBytes: 64 * 1024,
  scratchBytesKept: 1024 * 1024,
  /**
   * What is allocated at first for a frame that arrives in pieces; it doubles as the bytes really
   * come.
   */
  frameBytesAtFirst: 1024 * 1024,
  /**
   * Where chunks are used again, frames of at least this size are each copied to memory of their
   * own.
   */
  frameCopiedAloneBytes: 16 * 1024,
} as const;
