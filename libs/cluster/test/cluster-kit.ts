import {
  silentLogger,
  systemClock,
  systemRandom,
  type Clock,
  type Logger,
  type Metrics,
  type Timer,
} from '@sluice/base';
import { TopicCatalog, type Topic } from '@sluice/log';
import { RedisLink } from '@sluice/redis';
import type { TestRedis } from '@sluice/test/support/redis';
import { TcpProxy } from '@sluice/test/support/tcp-proxy';
import { GatewayCluster } from '../src/gateway-cluster';
import type { ClusterLimits } from '../src/limits';

/** Short sessions: tests wait for their ends. No shorter than a busy machine may stand still. */
export const quickLimits: Partial<ClusterLimits> = {
  sessionMs: 3_000,
  balanceEveryMs: 300,
  heldIdPollMs: 20,
};

/** A clock whose timers do not run while its process is paused. */
export class PausableClock implements Clock {
  #isPaused = false;
  readonly #held = new Set<() => void>();

  nowMs(): number {
    return systemClock.nowMs();
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  setTimer(delayMs: number, run: () => void): Timer {
    const timer = systemClock.setTimer(delayMs, () => {
      if (this.#isPaused) this.#held.add(run);
      else run();
    });
    return {
      cancel: () => {
        this.#held.delete(run);
        timer.cancel();
      },
    };
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const due = [...this.#held];
    this.#held.clear();
    for (const run of due) run();
  }
}

/** How a gateway of a test is made. */
export interface TestGatewayOptions {
  redis: TestRedis;
  keyPrefix: string;
  /** Left out: it takes a free one. */
  brokerId?: number;
  rack?: string | null;
  hostName?: string;
  port?: number;
  limits?: Partial<ClusterLimits>;
  log?: Logger;
  metrics?: Metrics;
}

let nextPort = 20_000;

/** One gateway's cluster, with connections and topics of its own, that can be killed and paused. */
export class TestGateway {
  isDead = false;
  isPaused = false;

  private constructor(
    readonly cluster: GatewayCluster,
    readonly catalog: TopicCatalog,
    readonly link: RedisLink,
    readonly proxy: TcpProxy,
    private readonly clock: PausableClock,
    readonly address: { host: string; port: number },
  ) {}

  /** Connects; it is in the cluster after `join`. */
  static async make(options: TestGatewayOptions): Promise<TestGateway> {
    const { redis, keyPrefix, brokerId, rack = null, hostName = 'here' } = options;
    const { log = silentLogger, metrics, port = nextPort++ } = options;
    const proxy = new TcpProxy({ host: redis.host, port: Number(new URL(redis.url).port) });
    const url = new URL(redis.url);
    url.port = String(await proxy.start());
    const clock = new PausableClock();
    const link = await RedisLink.connect(
      { url: url.href, keyPrefix, connectTimeoutMs: 20_000 },
      { log: silentLogger, clock: systemClock },
    );
    const deps = { clock, random: systemRandom, log };
    const catalog = new TopicCatalog(link, { ...deps, log: silentLogger });
    await catalog.start();
    const limits = { ...quickLimits, ...options.limits };
    const cluster = new GatewayCluster(
      { ...deps, redis: link, catalog, limits, ...(metrics === undefined ? {} : { metrics }) },
      { brokerId, rack, version: '1.2.3', hostName },
    );
    const address = { host: 'localhost', port };
    return new TestGateway(cluster, catalog, link, proxy, clock, address);
  }

  get id(): number {
    return this.cluster.selfId;
  }

  join(): Promise<void> {
    return this.cluster.join(this.address);
  }

  /** Makes a topic, and waits until it is led, as this gateway knows. */
  async topic(name: string, partitions: number): Promise<Topic> {
    const reply = await this.catalog.create({ name, partitions });
    if (!('created' in reply)) throw new Error(reply.message);
    if (!(await this.cluster.untilPlaced(reply.created, 10_000))) {
      throw new Error(`${name} is not led`);
    }
    return reply.created;
  }

  /** Nothing gets through to Redis and back, and no timer runs, as if it had got SIGSTOP. */
  pause(): void {
    this.isPaused = true;
    this.clock.pause();
    this.proxy.hold();
  }

  resume(): void {
    this.isPaused = false;
    this.clock.resume();
    this.proxy.letGo();
  }

  /** It ends without a word. */
  async kill(): Promise<void> {
    if (this.isDead) return;
    this.isDead = true;
    this.clock.pause();
    this.proxy.interrupt();
    await this.#end();
  }

  /** It hands over and leaves, as on SIGTERM. */
  async stop(): Promise<void> {
    if (this.isDead) return;
    this.isDead = true;
    await this.cluster.retire(5_000);
    await this.#end();
  }

  async #end(): Promise<void> {
    await this.cluster.leave();
    await this.catalog.stop();
    await this.link.close();
    await this.proxy.stop();
  }
}
