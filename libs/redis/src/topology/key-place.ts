import { addressText, Followers, type Address, type Place } from './place';

/** Where a place of a key looks. */
export interface KeyPlaceParts {
  /** Where the primary is that has the key, as far as is known. */
  address: () => Address;
  /** Finds out anew, unless that was done just before. Does not reject. */
  refresh: () => Promise<void>;
  refreshSoon: () => void;
  /** Those that are followed, each of which is to be told to look when something has changed. */
  places: Set<KeyPlace>;
}

/**
 * Where the primary is that has a key of a Redis Cluster: another one when the slot has moved. For
 * connections for one key, which are made anew then.
 */
export class KeyPlace implements Place {
  readonly #followers = new Followers();
  #followerCount = 0;
  /** Where it was when its followers were told last, or when the first of them came. */
  #known = '';

  constructor(private readonly parts: KeyPlaceParts) {}

  async locate(): Promise<Address> {
    await this.parts.refresh();
    return this.parts.address();
  }

  isNoPrimary(): void {
    this.parts.refreshSoon();
  }

  isElsewhere(): void {
    this.parts.refreshSoon();
  }

  follow(onMoved: () => void): () => void {
    if (this.#followerCount++ === 0) this.#known = addressText(this.parts.address());
    this.parts.places.add(this);
    const leave = this.#followers.add(onMoved);
    return () => {
      leave();
      if (--this.#followerCount === 0) this.parts.places.delete(this);
    };
  }

  /** Tells its followers where it is another one than before. */
  look(): void {
    const now = addressText(this.parts.address());
    if (now === this.#known) return;
    this.#known = now;
    this.#followers.tell();
  }
}
