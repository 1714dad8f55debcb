/** Where a server listens. */
export interface Address {
  host: string;
  port: number;
}

/** Where one primary is. It is asked anew for each connection that is made. */
export interface Place {
  /**
   * Whether somebody has named the primary, when asked last. If it cannot be used all the same, it
   * may be about to be replaced.
   */
  readonly isNamed?: boolean;
  /**
   * Where the primary is now.
   *
   * @throws RedisStartError where more attempts will not cure it; any other Error is one of now
   */
  locate(): Promise<Address>;
  /** The server at this address said that it is no primary. */
  isNoPrimary?(address: Address): void;
  /** A server has refused a command as one that another has to run. */
  isElsewhere?(): void;
  /**
   * Calls the listener each time the primary is another server than before: connections to the
   * former one are to be left, which need not break by themselves.
   *
   * @returns a function that takes the listener back
   */
  follow(onMoved: () => void): () => void;
}

/** Those who follow a place. */
export class Followers {
  readonly #all = new Set<() => void>();

  add(onMoved: () => void): () => void {
    const own = (): void => onMoved();
    this.#all.add(own);
    return () => void this.#all.delete(own);
  }

  tell(): void {
    for (const onMoved of this.#all) onMoved();
  }
}

/** As `host:port`, for messages. */
export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
