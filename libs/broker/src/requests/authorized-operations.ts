import { noAuthorizedOperations } from '@sluice/wire';

/** Kafka's numbers of what can be allowed (AclOperation). */
const Operation = {
  READ: 3,
  WRITE: 4,
  CREATE: 5,
  DELETE: 6,
  ALTER: 7,
  DESCRIBE: 8,
  CLUSTER_ACTION: 9,
  DESCRIBE_CONFIGS: 10,
  ALTER_CONFIGS: 11,
  IDEMPOTENT_WRITE: 12,
} as const;

const bitsOf = (operations: readonly (keyof typeof Operation)[]): number =>
  operations.reduce((bits, name) => bits | (1 << Operation[name]), 0);

/** All that can be done with a resource of each kind. */
const operationsOf = {
  topic: bitsOf([
    'READ',
    'WRITE',
    'CREATE',
    'DELETE',
    'ALTER',
    'DESCRIBE',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
  ]),
  group: bitsOf(['READ', 'DELETE', 'DESCRIBE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS']),
  cluster: bitsOf([
    'CREATE',
    'ALTER',
    'DESCRIBE',
    'CLUSTER_ACTION',
    'DESCRIBE_CONFIGS',
    'ALTER_CONFIGS',
    'IDEMPOTENT_WRITE',
  ]),
} as const;

/**
 * What the client may do with a resource, as a field of bits (KIP-430): everything, for there are
 * no ACLs, as in a Kafka without an authorizer.
 *
 * @param isAsked nothing is told to those who have not asked
 */
export function authorizedOperations(kind: keyof typeof operationsOf, isAsked: boolean): number {
  return isAsked ? operationsOf[kind] : noAuthorizedOperations;
}
