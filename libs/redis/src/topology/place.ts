/** Where a server listens. */
export interface Address {
  host: string;
  port: number;
}

/** Where one primary is. It is asked anew for each connection that is made. */
export interface Place {
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
}

/** As `host:port`, for messages. */
export function addressText({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
