import { byName, byRank, emptyAssignment, partitionKey, type Assignor } from './assignor';

/**
 * All partitions of all topics in order, one to each member in turn; whoever does not subscribe to
 * the topic is passed over.
 */
export const assignRoundRobin: Assignor = ({ topics, members }) => {
  const assignment = emptyAssignment(members);
  const ranked = byRank(members);
  let turn = 0;
  for (const { topicId, partitions } of byName(topics)) {
    if (!ranked.some((member) => member.topicIds.has(topicId))) continue;
    for (let partition = 0; partition < partitions; partition++) {
      while (!ranked[turn % ranked.length]!.topicIds.has(topicId)) turn++;
      assignment.get(ranked[turn % ranked.length]!.memberId)!.add(partitionKey(topicId, partition));
      turn++;
    }
  }
  return assignment;
};
