import { DeleteAcls } from '@sluice/wire';
import { noAcls } from '../admin-requests/no-acls';
import { handle } from '../requests/handler';

/**
 * DeleteAcls, v1–v3 (v2: flexible). There are no ACLs: each filter is refused with
 * SECURITY_DISABLED, as in a Kafka without an authorizer.
 */
export const deleteAcls = handle(DeleteAcls, (_, { filters }) => ({
  filterResults: filters.map(() => ({ ...noAcls, matchingAcls: [] })),
}));
