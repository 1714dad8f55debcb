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
  while (offers.some(even)) {
    // One topic's move may make room for another's.
  }
  return new Map(shares.map(({ member, keys }) => [member.memberId, keys])) satisfies Assignment;
};

/** Topics of few subscribers come first: those who may have more can give way with other topics. */
function offersOf({ topics }: AssignmentProblem, shares: readonly Share[]): Offer[] {
  const offers = byName(topics).map(({ topicId, partitions }): Offer => {
    const subscribers = shares.filter(({ member }) => member.topicIds.has(topicId));
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

/** Moves partitions of a topic from who has most to who has least. @returns whether any moved */
function even({ keys, subscribers }: Offer): boolean {
  let hasMoved = false;
  for (;;) {
    const to = least(subscribers);
    let from: Share | null = null;
    let moving: string | null = null;
    for (const share of subscribers) {
      if (share.keys.size <= Math.max(to.keys.size + 1, from?.keys.size ?? 0)) continue;
      // The last of its partitions, so that those that stay are the first ones.
      const last = keys.findLast((key) => share.keys.has(key));
      if (last !== undefined) [from, moving] = [share, last];
    }
    if (from === null) return hasMoved;
    from.keys.delete(moving!);
    to.keys.add(moving!);
    hasMoved = true;
  }
}

function least(shares: readonly Share[]): Share {
  let found = shares[0]!;
  for (const share of shares) if (share.keys.size < found.keys.size) found = share;
  return found;
}
