import { malformed } from './bounds';

/**
 * The outline of one or more zstd frames in a row, read without decompressing or keeping anything.
 */
export interface ZstdFrames {
  /**
   * The sum of the sizes that frames say they decompress to. Those that say nothing add nothing.
   */
  contentBytes: number;
  /** More than this cannot come out; the size of each frame where it is said, else full blocks. */
  plainBytesMax: number;
}

/** Called with the place of each block's header and the most bytes it can decompress to. */
type BlockVisitor = (start: number, plainBytesMax: number) => void;

interface FrameHeader {
  bytes: number;
  contentBytes: number | null;
  blockBytesMax: number;
  hasChecksum: boolean;
}

const magic = 0xfd2fb528;
const skippableMagic = 0x184d2a50;
const blockBytesMax = 128 * 1024;
const rawBlock = 0;
const runBlock = 1;
const reservedBlock = 3;

/**
 * Reads the outline of zstd frames (RFC 8878, section 3.1), and shows their blocks to `visit`.
 * @throws RecordsError `corrupt` when they are cut off or break the format.
 */
export function readZstdFrames(packed: Buffer, visit?: BlockVisitor): ZstdFrames {
  const frames: ZstdFrames = { contentBytes: 0, plainBytesMax: 0 };
  let at = 0;
  while (at < packed.length) {
    if (packed.length - at < 8) throw malformed('zstd', 'short frame');
    const word = packed.readUInt32LE(at);
    if ((word & 0xfffffff0) >>> 0 === skippableMagic) at += 8 + packed.readUInt32LE(at + 4);
    else if (word === magic) at = readFrame(packed, at, frames, visit);
    else throw malformed('zstd', 'no frame');
  }
  if (at > packed.length) throw malformed('zstd', 'frame is cut off');
  return frames;
}

function readFrame(
  packed: Buffer,
  start: number,
  frames: ZstdFrames,
  visit: BlockVisitor | undefined,
): number {
  const header = readFrameHeader(packed, start);
  let at = start + header.bytes;
  let fullBlocksBytes = 0;
  for (let last = false; !last;) {
    if (packed.length - at < 3) throw malformed('zstd', 'no last block');
    const word = packed.readUIntLE(at, 3);
    last = (word & 1) === 1;
    const type = (word >> 1) & 0b11;
    const bytes = word >> 3;
    if (type === reservedBlock) throw malformed('zstd', 'reserved block type');
    const known = type === rawBlock || type === runBlock;
    visit?.(at, known ? bytes : header.blockBytesMax);
    fullBlocksBytes += header.blockBytesMax;
    at += 3 + (type === runBlock ? 1 : bytes);
  }
  at += header.hasChecksum ? 4 : 0;
  if (at > packed.length) throw malformed('zstd', 'frame is cut off');
  const { contentBytes } = header;
  if (contentBytes !== null && contentBytes > fullBlocksBytes) throw malformed('zstd', 'bad size');
  frames.contentBytes += contentBytes ?? 0;
  frames.plainBytesMax += contentBytes ?? fullBlocksBytes;
  return at;
}

function readFrameHeader(packed: Buffer, start: number): FrameHeader {
  const descriptor = packed[start + 4]!;
  const sizeCode = descriptor >> 6;
  const isSingleSegment = (descriptor & 0b10_0000) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 0b11]!;
  const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][sizeCode]!;
  const contentAt = start + 5 + (isSingleSegment ? 0 : 1) + dictionaryBytes;
  const end = contentAt + contentSizeBytes;
  if (end > packed.length) throw malformed('zstd', 'short frame header');
  const contentBytes = readContentBytes(packed, contentAt, contentSizeBytes);
  const windowBytes = isSingleSegment ? (contentBytes ?? 0) : readWindowBytes(packed[start + 5]!);
  return {
    bytes: end - start,
    contentBytes,
    blockBytesMax: Math.min(windowBytes, blockBytesMax),
    hasChecksum: (descriptor & 0b100) !== 0,
  };
}

function readContentBytes(packed: Buffer, at: number, bytes: number): number | null {
  switch (bytes) {
    case 0:
      return null;
    case 1:
      return packed[at]!;
    case 2:
      return packed.readUInt16LE(at) + 256;
    case 4:
      return packed.readUInt32LE(at);
    default:
      return Number(packed.readBigUInt64LE(at));
  }
}

function readWindowBytes(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3));
  return base + (base / 8) * (descriptor & 0b111);
}
