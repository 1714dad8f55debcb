import { freshPrefix, sharedRedis, type TestRedis } from '@sluice/test/support/redis';
import { TestGateway, type TestGatewayOptions } from './cluster-kit';

/** The gateways of one test, all on the same keys; what still runs afterwards is killed. */
export class TestGateways {
  redis!: TestRedis;
  keyPrefix = '';
  readonly #made: TestGateway[] = [];

  /** Registers the hooks of a spec file: one Redis for the file, new keys for each test. */
  static ofSpec(): TestGateways {
    const gateways = new TestGateways();
    beforeAll(async () => {
      gateways.redis = await sharedRedis();
    });
    beforeEach(() => {
      gateways.keyPrefix = freshPrefix();
    });
    afterEach(() => gateways.killAll());
    afterAll(() => gateways.redis.stop());
    return gateways;
  }

  /** Makes one that has still to join. */
  async make(options: Partial<TestGatewayOptions> = {}): Promise<TestGateway> {
    const { redis, keyPrefix } = this;
    const gateway = await TestGateway.make({ redis, keyPrefix, ...options });
    this.#made.push(gateway);
    return gateway;
  }

  /** Makes one that has joined. */
  async start(options: Partial<TestGatewayOptions> = {}): Promise<TestGateway> {
    const gateway = await this.make(options);
    await gateway.join();
    return gateway;
  }

  async killAll(): Promise<void> {
    for (const gateway of this.#made) gateway.resume();
    await Promise.all(this.#made.splice(0).map((gateway) => gateway.kill()));
  }
}
