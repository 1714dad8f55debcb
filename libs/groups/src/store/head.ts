/** Whether a head is that of a group whose members share out its partitions by themselves. */
export function isAssignedHead(head: string): boolean {
  return /^\{"state":"[a-z]+","engine":"assigned"/.test(head);
}
