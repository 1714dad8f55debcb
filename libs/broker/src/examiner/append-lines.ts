/** Whose batches keep their order among each other. */
export interface LineKey {
  /** One object a connection. */
  readonly connection: object;
  /** One object a partition. */
  readonly partition: object;
}

/** One that waits in a line, and what it does in its turn, once that is known. */
interface Place {
  act: (() => void) | null;
}

/**
 * Keeps the batches of one connection for one partition in order, where some of them are ready
 * later than those behind them. A line is there only while somebody waits in it; other partitions,
 * and other connections, do not wait for it.
 */
export class AppendLines {
  /** By connection and partition. */
  private readonly lines = new Map<object, Map<object, Place[]>>();

  /** Whether nobody waits in this line: then who comes need not enter it. */
  isFree(connection: object, partition: object): boolean {
    return this.lines.size === 0 || !this.lines.get(connection)?.has(partition);
  }

  /**
   * Takes the next place. Once `ready` is settled, and all before it have had their turn, one of
   * the two functions is called; neither may throw.
   */
  enter<T>(
    key: LineKey,
    ready: T | Promise<T>,
    act: (value: T) => void,
    fail: (error: unknown) => void,
  ): void {
    const place: Place = { act: null };
    this.lineOf(key).push(place);
    const settle = (turn: () => void) => {
      place.act = turn;
      this.advance(key);
    };
    if (ready instanceof Promise) {
      ready.then(
        (value) => settle(() => act(value)),
        (error: unknown) => settle(() => fail(error)),
      );
    } else settle(() => act(ready));
  }

  private lineOf({ connection, partition }: LineKey): Place[] {
    let ofConnection = this.lines.get(connection);
    if (!ofConnection) this.lines.set(connection, (ofConnection = new Map()));
    let line = ofConnection.get(partition);
    if (!line) ofConnection.set(partition, (line = []));
    return line;
  }

  private advance({ connection, partition }: LineKey): void {
    const ofConnection = this.lines.get(connection)!;
    const line = ofConnection.get(partition)!;
    // Taken out before it has its turn, in which another may enter.
    while (line[0]?.act) line.shift()!.act!();
    if (line.length > 0 || ofConnection.get(partition) !== line) return;
    ofConnection.delete(partition);
    if (ofConnection.size === 0) this.lines.delete(connection);
  }
}
