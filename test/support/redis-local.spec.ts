import { startRedisHere } from './redis';
import { findRedisBinary, LocalRedis } from './redis-local';

it('a server is not taken for another that has its port', async () => {
  const first = await startRedisHere();
  const second = new LocalRedis({ binary: findRedisBinary()!, args: [] }, first.port, first.setup);
  try {
    await expect(second.restart()).rejects.toThrow('already in use');
  } finally {
    await second.stop();
    await first.stop();
  }
});
