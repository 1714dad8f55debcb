/**
 * The keys of the groups, each named here and nowhere else. A group's two keys share the hash tag
 * `{group/<id>}`, so that one script may touch both on a Redis Cluster.
 */
export class GroupKeys {
  constructor(private readonly prefix: string) {}

  /** Both keys of a group. */
  of(groupId: string): { state: string; offsets: string } {
    return { state: this.state(groupId), offsets: this.offsets(groupId) };
  }

  /** Hash: format, fence, head, member/<id>, share/<id>, pending/<id>, emptySince. */
  state(groupId: string): string {
    return `${this.prefix}{group/${groupId}}:state`;
  }

  /**
   * Hash: format, lineage, and `<topicId>/<partition>` → the committed offset. It exists as long as
   * the group does.
   */
  offsets(groupId: string): string {
    return `${this.prefix}{group/${groupId}}:offsets`;
  }

  /** Set of the ids of all groups. An id is in it before the group exists. */
  get index(): string {
    return `${this.prefix}{registry}:groups`;
  }

  /** Set of the ids of deleted topics whose committed offsets are still to be removed. */
  get removedTopics(): string {
    return `${this.prefix}{registry}:groups-removed-topics`;
  }
}

/**
 * Channel on which the housekeeping tells what it has found. Redis' channels are the same in all
 * its databases, so those other than 0 have their number in it.
 */
export function findingsChannel(prefix: string, db: number): string {
  const channel = `${prefix}{registry}:groups-found`;
  return db === 0 ? channel : `${channel}:${db}`;
}

/** Channel of one group, on which its members are told that something is new for them. */
export function groupChannel(prefix: string, db: number, groupId: string): string {
  const channel = `${prefix}{group/${groupId}}:changed`;
  return db === 0 ? channel : `${channel}:${db}`;
}
