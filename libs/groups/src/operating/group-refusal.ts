/** What an operator asked of a group and cannot have, by the name of Kafka's error. */
export class GroupRefusal extends Error {
  override readonly name = 'GroupRefusal';

  constructor(
    /** As NON_EMPTY_GROUP. */
    readonly kafkaError: string,
    message: string,
  ) {
    super(message);
  }
}
