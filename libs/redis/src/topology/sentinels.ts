import { Periodic, type Clock, type Logger } from '@sluice/base';
import { RedisStartError } from '../errors';
import { redisLimits, type ResolvedOptions } from '../options';
import { whatMostSay } from './majority';
import { addressText, Followers, type Address, type Place } from './place';
import type { TopologyOptions } from './redis-url';
import { SentinelClient, type SentinelAnswer } from './sentinel-client';

/** What the Sentinels are asked with. */
export interface SentinelsParts {
  options: Pick<ResolvedOptions, 'label' | 'tls'>;
  topology: Extract<TopologyOptions, { kind: 'sentinel' }>;
  clock: Clock;
  log: Logger;
}

/**
 * Finds the primary by Redis Sentinel. All Sentinels are asked at the same time: what most of them
 * say is believed, as one that was cut off from the others may still name a primary that was
 * replaced. Whether the server is a primary is asked of itself before it is used (`Place`).
 *
 * They are also asked once a second, because a primary that was replaced need not break off its
 * connections: it may be frozen, or not know yet.
 */
export class Sentinels implements Place {
  readonly #clients: readonly SentinelClient[];
  readonly #watch: Periodic;
  readonly #followers = new Followers();
  /** What is wrong with a Sentinel, by its name, as the log was told. */
  readonly #told = new Map<string, string>();
  #asking: Promise<Address> | null = null;
  #isNamed = false;
  /** Where the primary is, as was told last. */
  #primary: Address | null = null;
  /** The last server that was named and is a replica: others are preferred. */
  #replica: string | null = null;

  constructor(private readonly parts: SentinelsParts) {
    const { clock, log, topology, options } = parts;
    const { isSecure, ...login } = topology.login;
    const terms = { ...login, tls: isSecure ? (options.tls ?? {}) : undefined };
    this.#clients = topology.sentinels.map((address) => new SentinelClient(address, terms));
    this.#watch = new Periodic({
      clock,
      log,
      name: 'asking the Sentinels for the primary',
      everyMs: redisLimits.sentinelLookEveryMs,
      failureLevel: 'debug',
      run: () => this.#look(),
    });
  }

  get isNamed(): boolean {
    return this.#isNamed;
  }

  /** From now on they are asked whether the primary is another one. */
  start(): void {
    this.#watch.start();
  }

  /**
   * Those who ask at the same time share one question.
   *
   * @throws RedisStartError
   */
  locate(): Promise<Address> {
    this.#asking ??= this.#ask().finally(() => (this.#asking = null));
    return this.#asking;
  }

  isNoPrimary(address: Address): void {
    const text = addressText(address);
    if (this.#replica !== text) {
      this.parts.log.warn('the primary that the Sentinels name is a replica', { server: text });
    }
    this.#replica = text;
  }

  isElsewhere(): void {
    this.#watch.runSoon();
  }

  follow(onMoved: () => void): () => void {
    return this.#followers.add(onMoved);
  }

  async stop(): Promise<void> {
    await this.#watch.stop();
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  async #look(): Promise<void> {
    const before = this.#primary;
    const now = await this.locate();
    if (before !== null && addressText(before) !== addressText(now)) this.#followers.tell();
  }

  async #ask(): Promise<Address> {
    const address = await this.#vote().catch((error: unknown) => {
      this.#isNamed = false;
      throw error;
    });
    this.#isNamed = true;
    const text = addressText(address);
    if (this.#primary === null || addressText(this.#primary) !== text) {
      this.parts.log.info('the Sentinels name the primary', { primary: text });
    }
    this.#primary = address;
    return address;
  }

  async #vote(): Promise<Address> {
    const { masterName } = this.parts.topology;
    const answers: (SentinelAnswer | undefined)[] = this.#clients.map(() => undefined);
    const asked = this.#clients.map(async (client, index) => {
      const answer = await client.ask(masterName);
      answers[index] = answer;
      this.#tell(client.name, answer);
      return answer.tag === 'primary' ? answer.address : null;
    });
    const isDoubted = (text: string): boolean => text === this.#replica;
    const address = await whatMostSay(asked, { textOf: addressText, isDoubted });
    if (address === null) throw this.#nobody(answers as SentinelAnswer[]);
    return address;
  }

  /** One line in the log when a Sentinel cannot be used, and one when it can again. */
  #tell(sentinel: string, answer: SentinelAnswer | undefined): void {
    const problem = this.#problemOf(answer);
    const before = this.#told.get(sentinel);
    if (problem === before) return;
    const { log } = this.parts;
    if (problem === undefined) {
      this.#told.delete(sentinel);
      return log.info('a Sentinel can be used again', { sentinel });
    }
    this.#told.set(sentinel, problem);
    log.warn('a Sentinel cannot be used; the others are asked', { sentinel, problem });
  }

  #problemOf(answer: SentinelAnswer | undefined): string | undefined {
    if (answer === undefined || answer.tag === 'primary') return undefined;
    if (answer.tag === 'problem') return answer.problem;
    const names = answer.known.length === 0 ? 'none' : answer.known.join(', ');
    return `it knows no master "${this.parts.topology.masterName}"; it watches: ${names}`;
  }

  #nobody(answers: readonly SentinelAnswer[]): RedisStartError {
    const { options, topology } = this.parts;
    const each = this.#clients.map(({ name }, i) => `  ${name}: ${this.#problemOf(answers[i])}`);
    const known = answers.some(({ tag }) => tag === 'unknown-master');
    const isNamed = known && answers.every(({ tag }) => tag === 'unknown-master');
    const advice = known
      ? 'Put the name of the master, as sentinel.conf has it, behind the hosts of REDIS_URL.'
      : 'Are these the Sentinels, and do they run? A Sentinel listens on port 26379 by default.';
    const lines = [
      `Redis at ${options.label} cannot be found: no Sentinel names a primary.`,
      ...each,
      advice,
      ...(known ? [] : [`Try: redis-cli -h host -p port SENTINEL MASTER ${topology.masterName}`]),
    ];
    return new RedisStartError(isNamed ? 'no-master' : 'unreachable', lines.join('\n'));
  }
}
