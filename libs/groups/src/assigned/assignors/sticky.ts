import {
  byName,
  byRank,
  partitionKey,
  type AssignableMember,
  type Assignment,
  type AssignmentProblem,
  type Assignor,
} from './assignor';

/** A member in the making. */
interface Share {
  readonly member: AssignableMember;
  readonly keys: Set<string>;
}

/** The partitions of one topic, and who may have them. */
interface Offer {
  readonly topicId: string;
  readonly keys: readonly string[];
  readonly subscribers: readonly Share[];
}

/** A partition that is to pass from one member to another. */
interface Move {
  readonly from: Share;
  readonly to: Share;
  readonly key: string;
}

/**
 * Everybody keeps what it has, as far as that is balanced: nobody could take over a partition from
 * somebody who has at least two more. Partitions without an owner go to those who have least, and
 * only then partitions move, one by one, from who has most to who has least. So where all
 * subscribe to the same, no more partitions move than balance needs.
 */
export const assignSticky: Assignor = (problem) => {
  const shares = byRank(problem.members).map((member): Share => ({ member, keys: new Set() }));
  const offers = offersOf(problem, shares);
  const taken = keep(offers);
  for (const offer of offers) {
    for (const key of offer.keys) {
      if (!taken.has(key)) least(offer.subscribers).keys.add(key);
    }
  }
  for (let move = bestMove(shares, offers); move !== null; move = bestMove(shares, offers)) {
    move.from.keys.delete(move.key);
    move.to.keys.add(move.key);
  }
  return new Map(shares.map(({ member, keys }) => [member.memberId, keys])) satisfies Assignment;
};

/** Topics of few subscribers come first: those who may have more can give way with other topics. */
function offersOf({ topics }: AssignmentProblem, shares: readonly Share[]): Offer[] {
  // Most topics have the same subscribers, and are to share the list of them.
  const lists = new Map<string, readonly Share[]>();
  const offers = byName(topics).map(({ topicId, partitions }): Offer => {
    const found = shares.filter(({ member }) => member.topicIds.has(topicId));
    const name = JSON.stringify(found.map(({ member }) => member.memberId));
    const subscribers = lists.get(name) ?? found;
    lists.set(name, subscribers);
    const keys = Array.from({ length: partitions }, (_, at) => partitionKey(topicId, at));
    return { topicId, keys, subscribers };
  });
  return offers
    .filter(({ subscribers }) => subscribers.length > 0)
    .sort((left, right) => left.subscribers.length - right.subscribers.length);
}

/** Leaves to each what it has and may have. @returns all that was left so */
function keep(offers: readonly Offer[]): Set<string> {
  const taken = new Set<string>();
  for (const { keys, subscribers } of offers) {
    for (const key of keys) {
      const holder = subscribers.find(({ member }) => member.current.has(key));
      if (holder === undefined) continue;
      holder.keys.add(key);
      taken.add(key);
    }
  }
  return taken;
}

/** From who has most, of those who can give, to who has least; null where all is balanced. */
function bestMove(shares: readonly Share[], offers: readonly Offer[]): Move | null {
  const leastOf = new Map<readonly Share[], Share>();
  for (const { subscribers } of offers) {
    if (!leastOf.has(subscribers)) leastOf.set(subscribers, least(subscribers));
  }
  for (const from of shares.toSorted((left, right) => right.keys.size - left.keys.size)) {
    let best: Move | null = null;
    for (const { keys, subscribers } of offers) {
      const to = leastOf.get(subscribers)!;
      const isBetter = to.keys.size < (best?.to.keys.size ?? from.keys.size - 1);
      if (!isBetter) continue;
      // The last of its partitions, so that those that stay are the first ones.
      const key = keys.findLast((one) => from.keys.has(one));
      if (key !== undefined) best = { from, to, key };
    }
    if (best !== null) return best;
  }
  return null;
}

function least(shares: readonly Share[]): Share {
  let found = shares[0]!;
  for (const share of shares) if (share.keys.size < found.keys.size) found = share;
  return found;
}
