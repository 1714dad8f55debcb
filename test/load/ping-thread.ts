import { parentPort, workerData } from 'node:worker_threads';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';

/** In a thread of its own, so that what the tool does meanwhile does not show. */
async function pingUntilTold(port: number): Promise<void> {
  const redis = new Redis(port, '127.0.0.1');
  await redis.ping();
  const tookMs: number[] = [];
  let isTold = false;
  parentPort!.once('message', () => (isTold = true));
  parentPort!.postMessage('ready', []);
  for (;;) {
    if (isTold) break;
    const startMs = performance.now();
    await redis.ping();
    tookMs.push(performance.now() - startMs);
    await sleep(1);
  }
  redis.disconnect();
  parentPort!.postMessage(tookMs, []);
}

void pingUntilTold((workerData as { port: number }).port);
