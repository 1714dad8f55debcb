/** What a network does to those who use it. */
export type NetworkTrouble =
  /** The server gets a request, and the answer and the connection are lost, so often. */
  | { kind: 'lost-replies'; share: number }
  /** A request is lost before the server has it, with the connection, so often. */
  | { kind: 'lost-requests'; share: number }
  /** Everything takes so much longer, each way, and what one connection carries stays in order. */
  | { kind: 'slow'; delayMs: number; jitterMs: number }
  /** Connections stay, and nothing gets through. */
  | { kind: 'silent' }
  /** Every connection is cut, and each new one at once. */
  | { kind: 'cut' }
  /** Nothing gets to the server, and what it sends arrives. */
  | { kind: 'no-requests' }
  /** What is sent to the server arrives, and nothing comes back. */
  | { kind: 'no-replies' }
  /** Packets are lost, so often, each way. */
  | { kind: 'lossy'; share: number }
  /** No more than so much gets through, each way. */
  | { kind: 'narrow'; kilobitsPerSecond: number };

export type TroubleKind = NetworkTrouble['kind'];

/** The network between two sides, as far as it can be broken. */
export interface Line {
  /** Why it cannot have such a trouble; null where it can. */
  whyNot(kind: TroubleKind): string | null;
  /** From now on, in the place of what was wrong before; null: nothing is wrong any more. */
  set(trouble: NetworkTrouble | null): void | Promise<void>;
}

/** Several lines that have their troubles together. */
export function together(lines: readonly Line[]): Line {
  return {
    whyNot: (kind) => lines.map((line) => line.whyNot(kind)).find((why) => why !== null) ?? null,
    async set(trouble) {
      await Promise.all(lines.map((line) => line.set(trouble)));
    },
  };
}
