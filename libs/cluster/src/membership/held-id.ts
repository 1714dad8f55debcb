import { hostOfPlace, type StoredBroker } from '../store/stored-broker';

/** An id that this gateway cannot have now. */
export interface HeldId {
  readonly id: number;
  /** Null where it is written in a form that this version does not know. */
  readonly holder: StoredBroker | null;
  /** Until the holder's session is over, unless it is renewed. */
  readonly leftMs: number;
  /** Until when the holder has renewed it, by the clock of Redis, ms. */
  readonly renewedUntilMs: number;
}

/** A start that cannot have the broker id that it was given. Its message has several lines. */
export class BrokerIdHeld extends Error {
  override readonly name = 'BrokerIdHeld';

  /** @param isAlive the holder has renewed its session meanwhile */
  constructor(
    readonly held: HeldId,
    isAlive: boolean,
  ) {
    const { id, holder, leftMs } = held;
    const who =
      holder === null
        ? 'another gateway'
        : `the gateway at ${holder.host}:${holder.port} on the host ${hostOfPlace(holder.place)}`;
    const since = holder === null ? '' : `, since ${new Date(holder.joinedAtMs).toISOString()}`;
    const state = isAlive
      ? 'It is alive.'
      : `Its session ends in ${Math.ceil(leftMs / 1_000)} s only: the clock of Redis went back.`;
    super(
      `Broker id ${id} is held by ${who}${since}. ${state}\n` +
        'Give each gateway on this Redis an id of its own (--broker-id), or none, so that it ' +
        'takes a free one; or stop the other one first.',
    );
  }
}
