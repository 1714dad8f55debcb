import type { Lifecycle } from '@sluice/base';
import { adminLimits } from '../limits';
import type { AdminOptions } from '../options';
import { AdminDoor, type DoorPorts } from './door';

/** The admin port as a part of a process: taken at its start, after those made before. */
export function ownDoor(
  options: Pick<AdminOptions, 'host' | 'port'>,
  ports: DoorPorts,
  lifecycle: Lifecycle,
): AdminDoor {
  const door = new AdminDoor(options, ports);
  lifecycle.own({
    name: 'the admin port',
    start: () => door.start(),
    stop: () => door.stop(),
    stopMsMax: 2 * adminLimits.stopGraceMs,
  });
  return door;
}
