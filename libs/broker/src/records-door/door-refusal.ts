/** Why a call of the records door is refused, in kinds that a caller can map to what it speaks. */
export type DoorRefusalKind =
  'invalid' | 'unknown' | 'conflict' | 'too-large' | 'too-many' | 'mismatch';

/** A call that is refused as a whole: nothing was done. */
export class DoorRefusal extends Error {
  override readonly name = 'DoorRefusal';

  /**
   * @param code a stable word for programs, as `cursor-invalid`
   * @param message says what is wrong and, where it helps, what to do
   */
  constructor(
    readonly kind: DoorRefusalKind,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Something in the request that cannot be meant. */
export function invalid(code: string, message: string): DoorRefusal {
  return new DoorRefusal('invalid', code, message);
}
