import { ListGroups } from '@sluice/wire';
import { handle } from '../requests/handler';

/**
 * ListGroups, v0–v5. v3: flexible. v4: states, and only groups in some of them. v5: types, and
 * only groups of some of them; all groups are classic ones. Clients ask all brokers, so each lists
 * those that it coordinates. Not covered: nothing.
 */
export const listGroups = handle(ListGroups, ({ services }, request) =>
  services.groups.list({ states: request.statesFilter, types: request.typesFilter }),
);
