/** Somebody else has changed the group since it was taken. */
export class StaleGroup extends Error {
  override readonly name = 'StaleGroup';

  constructor(groupId: string) {
    super(`the group "${groupId}" was changed by another coordinator`);
  }
}

/** A coordinator of a later epoch has the group; this one's time is over. */
export class OutdatedCoordinator extends Error {
  override readonly name = 'OutdatedCoordinator';

  /** @param fence what the later coordinator has left in the group */
  constructor(
    groupId: string,
    readonly fence: string,
  ) {
    super(`the group "${groupId}" has a coordinator of a later epoch (its fence is ${fence})`);
  }
}

/** The group has members of the engine that assigns by itself, which have no coordinator. */
export class AssignedGroupInUse extends Error {
  override readonly name = 'AssignedGroupInUse';

  constructor(groupId: string) {
    super(`the group "${groupId}" has members that read straight from Redis`);
  }
}

/** The reason where something else stands in the place of a hash. */
export const notAHash = 'it is no hash';

/** What is stored of a group is not what any gateway writes, or was written by a newer one. */
export class UnreadableGroup extends Error {
  override readonly name = 'UnreadableGroup';

  /**
   * @param key where it stands in Redis
   * @param isNewer whether it is in a format that this version does not know
   */
  constructor(
    readonly key: string,
    reason: string,
    readonly isNewer = false,
  ) {
    super(`${key}: ${reason}`);
  }
}
