import { Heartbeat } from '@sluice/wire';
import { handle } from '../requests/handler';

/** Heartbeat, v0–v4. v3: static members. v4: flexible. Not covered: nothing. */
export const heartbeat = handle(Heartbeat, ({ services }, request) =>
  services.groups.heartbeat(request),
);
