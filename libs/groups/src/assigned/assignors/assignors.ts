import { compareText, type Assignor, type AssignorName } from './assignor';
import { assignRanges } from './range';
import { assignRoundRobin } from './round-robin';
import { assignSticky } from './sticky';

export const assignors: Readonly<Record<AssignorName, Assignor>> = {
  sticky: assignSticky,
  range: assignRanges,
  'round-robin': assignRoundRobin,
};

/**
 * The assignor that most members want, as in Kafka (KIP-848), so that it can be changed by
 * restarting one member after another.
 */
export function chosenAssignor(wanted: Iterable<AssignorName>): AssignorName {
  const votes = new Map<AssignorName, number>();
  for (const name of wanted) votes.set(name, (votes.get(name) ?? 0) + 1);
  const ranked = [...votes].sort(
    ([left, leftVotes], [right, rightVotes]) => rightVotes - leftVotes || compareText(left, right),
  );
  return ranked[0]?.[0] ?? 'sticky';
}
