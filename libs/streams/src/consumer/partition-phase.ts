/**
 * What a partition is at:
 *
 * - `claiming`: the delivery state is being taken;
 * - `taking`: what was delivered before is taken over, in order;
 * - `reading`: new entries come;
 * - `damaged`: a batch cannot be read, so nothing more is handed over;
 * - `ended`: let go, or lost.
 */
export type PartitionPhase = 'claiming' | 'taking' | 'reading' | 'damaged' | 'ended';
