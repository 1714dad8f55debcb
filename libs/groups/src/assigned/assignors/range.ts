import { byRank, emptyAssignment, partitionKey, type Assignor } from './assignor';

/**
 * Each topic by itself: its partitions in order, in runs that are as long as each other or one
 * longer, to its subscribers in order. So partitions of the same number in topics of the same size
 * meet in one member.
 */
export const assignRanges: Assignor = ({ topics, members }) => {
  const assignment = emptyAssignment(members);
  const ranked = byRank(members);
  for (const { topicId, partitions } of topics) {
    const subscribers = ranked.filter((member) => member.topicIds.has(topicId));
    for (const [at, { memberId }] of subscribers.entries()) {
      const from = Math.ceil((at * partitions) / subscribers.length);
      const to = Math.ceil(((at + 1) * partitions) / subscribers.length);
      const own = assignment.get(memberId)!;
      for (let partition = from; partition < to; partition++) {
        own.add(partitionKey(topicId, partition));
      }
    }
  }
  return assignment;
};
