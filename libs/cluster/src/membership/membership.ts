import { Periodic, TroubleLog, type Clock, type Logger, type Random } from '@sluice/base';
import type { Timer } from '@sluice/base';
import type { BrokerAddress } from '../api';
import type { ClusterLimits } from '../limits';
import type { Beat, ClusterStore, SessionRef } from '../store/cluster-store';
import { decodeBroker, encodeBroker, encodeDescription, placeOf } from '../store/stored-broker';
import type { StoredBroker } from '../store/stored-broker';
import { BrokerIdHeld, type HeldId } from './held-id';

/** What a gateway tells of itself, but for where it is. */
export interface MemberOptions {
  /** Left out: that of its place, or the lowest free one. */
  brokerId: number | undefined;
  rack: string | null;
  version: string;
  /** The name of this machine or container; no two that run together have the same place on it. */
  hostName: string;
}

/** What a membership works with. */
export interface MembershipDeps {
  store: ClusterStore;
  clock: Clock;
  random: Random;
  log: Logger;
  limits: ClusterLimits;
  /**
   * Called before a new session is trusted: what was known may be from before others led what this
   * gateway had led.
   */
  beforeTrust: () => Promise<void>;
  /** The version of the cluster that is known now. */
  knownVersion: () => number;
  /** Called after each heartbeat. */
  onBeat: (beat: Beat, knownVersion: number) => void;
  /** The session has ended otherwise than by `leave`. */
  onLost: () => void;
}

/**
 * One gateway's session: joins, renews, joins again where it was lost, leaves. The session holds by
 * the clock of Redis; the gateway trusts it by its own, from the moment on at which a renewal was
 * sent, and so for less time.
 */
export class Membership {
  readonly #process: string;
  readonly #beats: Periodic;
  readonly #outside: TroubleLog;
  #sessions = 0;
  #own: StoredBroker | null = null;
  #sureUntilMs = -Infinity;
  #renewedMs = -Infinity;
  #isLeaving = false;
  #isIn = false;
  #hasJoined = false;
  /** The token of the session since whose beginning everything was read. */
  #readSince = '';
  #soon: Timer | null = null;
  /** The join that is under way. Never rejects. */
  #joining: Promise<void> = Promise.resolve();
  #endWait: () => void = () => undefined;

  constructor(
    private readonly deps: MembershipDeps,
    private readonly options: MemberOptions,
  ) {
    const { clock, log, limits, random } = deps;
    this.#process = random.uuid();
    this.#beats = new Periodic({
      clock,
      log,
      name: "renewing this gateway's session in the cluster",
      everyMs: limits.sessionMs / limits.heartbeatsPerSession,
      run: () => this.#beat(),
    });
    const message = 'this gateway is outside of the cluster, because another holds its id';
    this.#outside = new TroubleLog({ clock, log, message, quietMs: 60_000, level: 'error' });
  }

  /** −1 before it has one. */
  get id(): number {
    return this.#own?.id ?? this.options.brokerId ?? -1;
  }

  get session(): SessionRef | null {
    return this.#isIn ? this.#own : null;
  }

  /** Whether the session surely holds. */
  get isSure(): boolean {
    return this.#isIn && this.deps.clock.monotonicMs() < this.#sureUntilMs;
  }

  /** Since the last renewal that is known to have worked, was sent. */
  get ageMs(): number {
    return this.deps.clock.monotonicMs() - this.#renewedMs;
  }

  /** What others are told of this gateway; null before it has joined. */
  get own(): StoredBroker | null {
    return this.#own;
  }

  /**
   * Takes the id. Where another holds it that is not heard of, waits for the end of its session.
   *
   * @throws BrokerIdHeld; Error where it is to leave meanwhile; RedisUnavailable | UnknownOutcome
   */
  join(address: BrokerAddress): Promise<void> {
    const joined = this.#join(address);
    this.#joining = joined.catch(() => undefined);
    return joined;
  }

  async #join(address: BrokerAddress): Promise<void> {
    const { log, limits } = this.deps;
    let first: HeldId | null = null;
    for (;;) {
      const held = await this.#enter(address, this.id, true);
      if (this.#isLeaving) throw new Error('this gateway leaves before it is in the cluster');
      if (held === null) break;
      const isAlive = first !== null && held.renewedUntilMs !== first.renewedUntilMs;
      if (isAlive || held.leftMs > limits.sessionMsMax) throw new BrokerIdHeld(held, isAlive);
      if (first === null) {
        log.info('waits until it is known whether the holder of its broker id is alive', {
          brokerId: held.id,
          waitMsMax: held.leftMs,
        });
      }
      first ??= held;
      await this.#wait(limits.heldIdPollMs);
    }
    await this.#beat();
    this.#hasJoined = true;
    this.#beats.start();
  }

  /** Sends a heartbeat now. */
  beatSoon(): void {
    if (this.#hasJoined) this.#beats.runSoon();
  }

  /**
   * Tells the others that this gateway is about to leave.
   *
   * @returns whether they know; not where its session is over, and they have what it led
   */
  async drain(): Promise<boolean> {
    if (this.#own === null || !this.#isIn) return false;
    this.#isLeaving = true;
    this.#own = { ...this.#own, isDraining: true };
    return this.deps.store.tell(this.#own, encodeBroker(this.#own));
  }

  /** Ends the session; never rejects. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    this.#endWait();
    // One that is out may be in Redis when it ends, and is taken back.
    await this.#joining;
    await this.#beats.stop();
    this.#soon?.cancel();
    this.#outside.stop();
    const own = this.session;
    this.#isIn = false;
    if (own === null) return;
    try {
      await this.deps.store.leave(own);
    } catch (error) {
      const { message } = error as Error;
      this.deps.log.warn('the cluster was not told that this gateway leaves', { error: message });
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.deps.clock.setTimer(ms, resolve);
      this.#endWait = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** @returns who holds the id; null where it is this gateway's now */
  async #enter(
    { host, port }: BrokerAddress,
    wantedId: number,
    takesPlace: boolean,
  ): Promise<HeldId | null> {
    const { store, clock, log } = this.deps;
    const { rack, version, hostName } = this.options;
    const process = this.#process;
    const token = `${process}.${++this.#sessions}`;
    const place = placeOf(hostName, host, port);
    const description = encodeDescription({
      host,
      port,
      rack,
      version,
      isDraining: this.#isLeaving,
    });
    const sentMs = clock.monotonicMs();
    const terms = { wantedId, process, token, place, takesPlace, description };
    const reply = await store.join(terms);
    if (reply.tag === 'held') {
      const { id, leftMs, renewedUntilMs } = reply;
      return { id, leftMs, renewedUntilMs, holder: decodeBroker(String(id), reply.entry) };
    }
    this.#own = decodeBroker(String(reply.id), reply.entry)!;
    this.#isIn = true;
    if (reply.former !== '') {
      const joinedAtMs = decodeBroker(String(reply.id), reply.former)?.joinedAtMs;
      log.info('took over the broker id of a session that has ended', {
        brokerId: reply.id,
        since: joinedAtMs === undefined ? null : new Date(joinedAtMs).toISOString(),
      });
    }
    await this.#trust(sentMs);
    return null;
  }

  /** The session was renewed by what was sent then. */
  async #trust(sentMs: number): Promise<void> {
    const { token } = this.#own!;
    this.#renewedMs = sentMs;
    if (this.#readSince !== token) {
      await this.deps.beforeTrust();
      this.#readSince = token;
    }
    const { sessionMs, sureMarginShare } = this.deps.limits;
    this.#sureUntilMs = sentMs + sessionMs * (1 - sureMarginShare);
  }

  async #beat(): Promise<void> {
    const { store, clock, random } = this.deps;
    const own = this.#own;
    if (own === null) return;
    if (!this.#isIn) return this.#joinAgain(own);
    const sentMs = clock.monotonicMs();
    const knownVersion = this.deps.knownVersion();
    const mark = this.#isLeaving ? '' : random.uuid();
    const beat = await store.beat(own, mark);
    if (beat === null) return this.#joinAgain(own);
    await this.#trust(sentMs);
    this.deps.onBeat(beat, knownVersion);
    this.#soon?.cancel();
    // Who finds first that the session of another is over has the partitions of that one moved.
    if (beat.endsInMs > 0) this.#soon = clock.setTimer(beat.endsInMs, () => this.beatSoon());
  }

  async #joinAgain(own: StoredBroker): Promise<void> {
    if (this.#isIn) {
      this.#isIn = false;
      this.#sureUntilMs = -Infinity;
      this.deps.log.warn("this gateway's session is over; it joins the cluster again", {
        brokerId: own.id,
        renewedBeforeMs: Math.round(this.ageMs),
      });
      this.deps.onLost();
    }
    if (this.#isLeaving) return;
    const held = await this.#enter(own, own.id, false);
    if (held === null) {
      this.#outside.over();
      return this.#beat();
    }
    const { holder } = held;
    const heldBy = holder === null ? null : `${holder.host}:${holder.port}`;
    this.#outside.note({ brokerId: held.id, heldBy });
  }
}
