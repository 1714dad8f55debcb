import { DescribeAcls } from '@sluice/wire';
import { noAcls } from '../admin-requests/no-acls';
import { handle } from '../requests/handler';

/**
 * DescribeAcls, v1–v3 (v2: flexible). There are no ACLs: always SECURITY_DISABLED, as in a Kafka
 * without an authorizer.
 */
export const describeAcls = handle(DescribeAcls, () => ({ ...noAcls, resources: [] }));
