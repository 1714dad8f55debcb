/** Why a group does not take a member. */
export type RefusalReason = 'other-kind' | 'full' | 'replaced' | 'unreadable' | 'settings';

/** A group does not take a member, or not back, and will not before something is changed. */
export class GroupRefused extends Error {
  override readonly name = 'GroupRefused';

  constructor(
    readonly reason: RefusalReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** The group has members of the classic engine: Kafka clients. */
export class ClassicGroupInUse extends Error {
  override readonly name = 'ClassicGroupInUse';

  constructor(groupId: string) {
    super(
      `the group "${groupId}" has members that are Kafka clients, and a group has members of one ` +
        'kind at a time: stop them, or take another group',
    );
  }
}

/** Others have changed the group each time that it was to be changed. */
export class GroupContended extends Error {
  override readonly name = 'GroupContended';

  constructor(groupId: string, attempts: number) {
    super(`the group "${groupId}" was changed by others ${attempts} times in a row`);
  }
}
