/** A partition that was named is not this member's (any more). */
export class NotOwned extends Error {
  override readonly name = 'NotOwned';

  constructor(topic: string, partition: number | null) {
    const what = partition === null ? `No partition of "${topic}"` : `${topic}/${partition}`;
    super(`${what} is owned by this member`);
  }
}
