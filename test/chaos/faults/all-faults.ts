import type { SetUp } from '../set-ups/set-up';
import type { FaultKind } from './fault-kind';
import { gatewayFaults } from './gateway-faults';
import { networkFaults } from './network-faults';
import { redisFaults } from './redis-faults';
import { scriptFlush } from './script-flush';
import { severalFaults } from './several-faults';

/** Everything that can be made to go wrong. */
export const allFaults: readonly FaultKind[] = [
  ...gatewayFaults,
  ...redisFaults,
  ...severalFaults,
  scriptFlush,
  ...networkFaults,
];

/**
 * The faults of these names, all where none is given.
 * @throws Error that names one that does not exist
 */
export function faultsNamed(names: readonly string[] | null): readonly FaultKind[] {
  if (names === null) return allFaults;
  return names.map((name) => {
    const found = allFaults.find((fault) => fault.name === name);
    if (found === undefined) throw new Error(`there is no fault ${name}; see --help`);
    return found;
  });
}

/** Those that can be had in a set-up, and why others cannot. */
export function faultsIn(
  setUp: SetUp,
  wanted: readonly FaultKind[],
): { possible: FaultKind[]; left: { name: string; why: string }[] } {
  const possible: FaultKind[] = [];
  const left: { name: string; why: string }[] = [];
  for (const fault of wanted) {
    const why = fault.whyNot(setUp);
    if (why === null) possible.push(fault);
    else left.push({ name: fault.name, why });
  }
  return { possible, left };
}
