import type { RedisLink } from '@sluice/redis';
import type { PartitionLimits } from '../partition-limits';

type Limits = Pick<
  PartitionLimits,
  'lossMsMax' | 'reservedOffsetsFirst' | 'reservedOffsetsMin' | 'reservedOffsetsOfSnapshots'
>;

/**
 * How many offsets are kept free beyond the log end, in the form that the scripts take (see
 * scripts/include/reservation.lua). A server that keeps only snapshots may lose whatever was
 * written since the last one, so there the bound cannot follow the log closely.
 */
export function reservationTerms(
  limits: Limits,
  { keepsOnlySnapshots }: Pick<RedisLink, 'keepsOnlySnapshots'>,
): string {
  const { lossMsMax, reservedOffsetsFirst, reservedOffsetsMin, reservedOffsetsOfSnapshots } =
    limits;
  if (keepsOnlySnapshots) {
    return `${lossMsMax} ${reservedOffsetsOfSnapshots} ${reservedOffsetsOfSnapshots}`;
  }
  return `${lossMsMax} ${reservedOffsetsFirst} ${reservedOffsetsMin}`;
}
