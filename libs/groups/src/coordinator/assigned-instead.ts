/**
 * Stands among the error codes for: the group has members that share out its partitions by
 * themselves. It is never sent to a client.
 */
export const assignedInstead = -1000;
