import { ErrorCode } from '@sluice/wire';
import type { OffsetToCommit } from '../api';
import type { GroupLimits } from '../limits';

/**
 * Why an offset cannot be committed, or NONE. Kafka takes any number; here one that is not exact
 * any more (the wire's reader ends at the largest exact one) is refused, for no log is so long.
 * Metadata is measured as Kafka does it: in characters (UTF-16 code units), whatever the setting's
 * name says.
 */
export function checkCommittedOffset(
  { offset, metadata }: Pick<OffsetToCommit, 'offset' | 'metadata'>,
  limits: Pick<GroupLimits, 'offsetMetadataCharactersMax'>,
): number {
  if (Math.abs(offset) >= Number.MAX_SAFE_INTEGER) return ErrorCode.INVALID_COMMIT_OFFSET_SIZE;
  const length = metadata?.length ?? 0;
  if (length > limits.offsetMetadataCharactersMax) return ErrorCode.OFFSET_METADATA_TOO_LARGE;
  return ErrorCode.NONE;
}
