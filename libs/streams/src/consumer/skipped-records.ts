/**
 * Records would be passed over that nobody has seen: what is to be handed over does not follow on
 * what was. It must not be, for the progress would go over them; and where it is all the same, they
 * are read once more.
 */
export class SkippedRecords extends Error {
  override readonly name = 'SkippedRecords';

  constructor(
    readonly expectedOffset: number,
    readonly foundOffset: number,
  ) {
    super(`the offset ${expectedOffset} was to follow, and not ${foundOffset}`);
  }
}
