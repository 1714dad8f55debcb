import { setTimeout as sleep } from 'node:timers/promises';
import { say, Trouble } from './console.mjs';
import { Gateway } from './gateway.mjs';

/**
 * @typedef {import('./gateway.mjs').GatewaySettings} GatewaySettings
 * @typedef {{ id: number, port: number, adminPort: number | null }} Place where a broker listens
 * @typedef {object} Facts
 * @property {GatewaySettings} settings
 * @property {{ url: string, own: boolean }} redis
 * @property {(gateways: readonly Gateway[]) => void} onChange told of those that run, each time
 * @typedef {object} Broker
 * @property {number} id
 * @property {readonly string[]} flags what only this one is told
 * @property {Gateway} gateway
 * @property {number[]} endsMs when it has ended by itself, of late
 */

/** One that ends more often than this within the time is not started again. */
const restartsMax = 5;
const restartWindowMs = 60_000;
/** Whatever has ended it may need a moment to pass. */
const restartDelayMs = 500;

/**
 * The gateways of `npm start`: one, or several that are the brokers of one cluster. Where there are
 * several, one that ends by itself is started again, and the others go on meanwhile.
 */
export class Brokers {
  #argv;
  #first;
  /** @type {Broker[]} */
  #brokers = [];
  #stopping = new AbortController();
  /** @type {(error: Error) => void} */
  #fail = () => undefined;

  /**
   * The first gateway is made at once, for it reads the settings.
   * @param {readonly string[]} argv its flags
   */
  constructor(argv) {
    this.#argv = argv;
    this.#first = this.#make();
    this.settings = this.#first.settings;
    /**
     * Rejects when one has ended that is not started again.
     * @type {Promise<never>}
     */
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
    void this.#watchReader();
  }

  /**
   * Starts them all.
   * @param {Facts} facts
   * @returns {Promise<Place[]>} where they listen
   */
  async run(facts) {
    this.#brokers = brokersOf(facts.settings).map(({ id, flags }, at) => {
      const gateway = at === 0 ? this.#first : this.#make();
      return { id, flags, gateway, endsMs: [] };
    });
    facts.onChange(this.#running());
    const places = this.#brokers.map((broker) => this.#begin(broker, facts));
    for (const broker of this.#brokers) void this.#watch(broker, facts, Promise.all(places));
    return /** @type {Promise<Place[]>} */ (Promise.race([Promise.all(places), this.failed]));
  }

  /** Stops all at once, each in order. */
  async stop() {
    this.#stopping.abort();
    await Promise.all(this.#running().map((gateway) => gateway.stop()));
  }

  /** Ends all the hard way. */
  kill() {
    for (const gateway of this.#running()) gateway.kill();
  }

  /**
   * @param {Broker} broker
   * @param {Facts} facts
   * @returns {Promise<Place | undefined>} undefined where it has ended instead
   */
  async #begin({ id, flags, gateway }, { settings, redis }) {
    const { shutdownGraceMs: graceMs, brokers, logFormat } = settings;
    // Programs read JSON: it stays as it is.
    const label = brokers === 1 || logFormat === 'json' ? '' : `[${id}] `;
    gateway.run({ redisUrl: redis.url, own: redis.own, flags, graceMs, label });
    const ready = await Promise.race([gateway.ready, gateway.ended]);
    return typeof ready === 'string' ? undefined : { id, ...ready };
  }

  /** The first may end before it is known how many there are to be. */
  async #watchReader() {
    const how = await this.#first.ended;
    if (this.#brokers.length === 0) this.#end(`the gateway ended (${how})`);
  }

  /**
   * Starts a broker again each time that it ends, but at first: then something is wrong with all.
   * @param {Broker} broker
   * @param {Facts} facts
   * @param {Promise<(Place | undefined)[]>} places resolves when all have begun
   */
  async #watch(broker, facts, places) {
    const { settings, onChange } = facts;
    const name = settings.brokers === 1 ? 'the gateway' : `broker ${broker.id}`;
    /** @type {Place | undefined} */
    let place;
    void places.then((found) => (place = found.find((one) => one?.id === broker.id)));
    for (;;) {
      const how = await broker.gateway.ended;
      if (this.#stopping.signal.aborted) return;
      if (settings.brokers === 1 || place === undefined) return this.#end(`${name} ended (${how})`);
      if (!mayRestart(broker)) return this.#end(`${name} ended again and again (${how})`);
      say(`${name} ended (${how}); the others go on, and it is started again`);
      await sleep(restartDelayMs);
      if (this.#stopping.signal.aborted) return;
      broker.gateway = this.#make();
      onChange(this.#running());
      // Clients and the banner know it there, also where any port was good at first.
      const flags = [...broker.flags, ...flagsOf(place)];
      const back = await this.#begin({ ...broker, flags }, facts);
      if (back !== undefined) say(`${name} is back on port ${back.port}`);
    }
  }

  #make() {
    return new Gateway(this.#argv, { isPiped: brokersAsked(this.#argv) });
  }

  #running() {
    return this.#brokers.length === 0 ? [this.#first] : this.#brokers.map((one) => one.gateway);
  }

  /** @param {string} what */
  #end(what) {
    if (!this.#stopping.signal.aborted)
      this.#fail(new Trouble(`${what}; its last lines are above.`));
  }
}

/**
 * The ports that brokers are to listen on; 0 stands for a free one.
 * @param {GatewaySettings} settings
 * @returns {{ ports: number[], adminPorts: number[] }}
 */
export function portsOf({ brokers, port, admin, adminPort }) {
  const row = (/** @type {number} */ first) => {
    return Array.from({ length: brokers }, (_, at) => (first === 0 ? 0 : first + at));
  };
  return { ports: row(port), adminPorts: admin ? row(adminPort) : [] };
}

/**
 * The port that clients are told, of the broker that is so far from the first; null where it is the
 * one that it listens on.
 * @param {GatewaySettings} settings
 * @param {number} at
 */
export function advertisedPortOf({ port, advertisedPort }, at) {
  return advertisedPort === port ? null : advertisedPort + at;
}

/**
 * Whether there may be several brokers, and so their output is to be told apart; the settings say
 * later whether what was asked for is valid.
 * @param {readonly string[]} argv
 */
function brokersAsked(argv) {
  const isAsked = argv.some((argument) => /^--brokers(=|$)/.test(argument));
  return isAsked || (process.env.SLUICE_BROKERS ?? '') !== '';
}

/**
 * @param {GatewaySettings} settings
 * @returns {{ id: number, flags: string[] }[]}
 */
function brokersOf(settings) {
  const { brokers, brokerId } = settings;
  if (brokers === 1) return [{ id: brokerId ?? 1, flags: [] }];
  const { ports, adminPorts } = portsOf(settings);
  return ports.map((port, at) => {
    const id = (brokerId ?? 1) + at;
    const flags = ['--broker-id', id, '--port', port];
    if (adminPorts.length > 0) flags.push('--admin-port', Number(adminPorts[at]));
    const advertisedPort = advertisedPortOf(settings, at);
    if (advertisedPort !== null) flags.push('--advertised-port', advertisedPort);
    return { id, flags: flags.map(String) };
  });
}

/**
 * @param {Place} place
 * @returns {string[]} for the same place again
 */
function flagsOf({ port, adminPort }) {
  const adminFlags = adminPort === null ? [] : ['--admin-port', String(adminPort)];
  return ['--port', String(port), ...adminFlags];
}

/** @param {Broker} broker which has just ended */
function mayRestart(broker) {
  const nowMs = performance.now();
  broker.endsMs = broker.endsMs.filter((endMs) => nowMs - endMs < restartWindowMs);
  broker.endsMs.push(nowMs);
  return broker.endsMs.length <= restartsMax;
}
