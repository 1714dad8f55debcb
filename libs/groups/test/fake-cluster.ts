import type { ClusterChange } from '@sluice/cluster';
import type { GroupCluster } from '../src/coordinator/group-cluster';

interface Seat {
  owner: number;
  epoch: number;
}

/** Which coordinator has which group, and with which epoch: what the registry of a cluster says. */
export class EpochTable {
  readonly #seats = new Map<string, Seat>();

  /** @param first who has each group to begin with */
  constructor(private readonly first = 0) {}

  seatOf(groupId: string): Seat {
    return this.#seats.get(groupId) ?? { owner: this.first, epoch: 0 };
  }

  /** Gives a group to a coordinator, with the next epoch. */
  move(groupId: string, owner: number): void {
    this.#seats.set(groupId, { owner, epoch: this.seatOf(groupId).epoch + 1 });
  }

  /** Sets an epoch by hand, as a registry does that has lost its last writes. */
  set(groupId: string, seat: Seat): void {
    this.#seats.set(groupId, seat);
  }

  copy(): ReadonlyMap<string, Seat> {
    return new Map(this.#seats);
  }
}

/** The table as one coordinator knows it: as it was when that last learnt of it. */
export class FakeCluster implements GroupCluster {
  readonly #listeners = new Set<(change: ClusterChange) => void>();
  #known: ReadonlyMap<string, Seat>;
  #isSure = true;

  constructor(
    private readonly table: EpochTable,
    private readonly selfId: number,
  ) {
    this.#known = table.copy();
  }

  get isSure(): boolean {
    return this.#isSure;
  }

  /** Whether its session surely holds; the groups are told, unless they are to find out. */
  setSure(isSure: boolean, isTold = true): void {
    this.#isSure = isSure;
    if (isTold) this.#tell();
  }

  /** Hears what the table says now. */
  learn(): void {
    this.#known = this.table.copy();
    this.#tell();
  }

  coordinatorEpochOf(groupId: string): number | null {
    const { owner, epoch } = this.#known.get(groupId) ?? new EpochTable().seatOf(groupId);
    return this.#isSure && owner === this.selfId ? epoch : null;
  }

  onChange(listener: (change: ClusterChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Compares and sets, as in the registry: whose view is old raises nothing. */
  raiseCoordinator(groupId: string, above: number): Promise<void> {
    const { owner, epoch } = this.table.seatOf(groupId);
    if (owner !== this.selfId || epoch !== this.coordinatorEpochOf(groupId)) {
      return Promise.resolve();
    }
    if (epoch <= above) this.table.set(groupId, { owner, epoch: above + 1 });
    this.learn();
    return Promise.resolve();
  }

  #tell(): void {
    const change = { topics: new Set<string>(), coordinators: true, brokers: false };
    for (const listener of this.#listeners) listener(change);
  }
}
