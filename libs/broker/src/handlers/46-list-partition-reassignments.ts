import { ListPartitionReassignments } from '@sluice/wire';
import { done } from '../admin-requests/outcome';
import { handle } from '../requests/handler';

/** ListPartitionReassignments, v0. There is one broker, so no partition is ever being moved. */
export const listPartitionReassignments = handle(ListPartitionReassignments, () => ({
  ...done,
  topics: [],
}));
