import 'reflect-metadata';
import { Logger } from '@nestjs/common';
import { firstValueFrom } from 'rxjs';
import { clientOf } from './client';
import { patternsOf, type BenchClient, type ClientOrder, type TransportWork } from './work';

/** Events that have been sent and are not confirmed to the sender yet. */
const unconfirmedMax = 500;

/** Sends so many events; resolves when all are confirmed. */
async function sendEvents(client: BenchClient, pattern: string, total: number): Promise<void> {
  let sent = 0;
  const lane = async () => {
    while (sent < total) await firstValueFrom(client.emit(pattern, { number: sent++ }));
  };
  await Promise.all(Array.from({ length: unconfirmedMax }, lane));
}

/** How long each request took, one after the other; as many as there is time for. */
async function ask(
  client: BenchClient,
  pattern: string,
  { requests, msMax }: { requests: number; msMax: number },
): Promise<number[]> {
  const tookMs: number[] = [];
  const untilMs = performance.now() + msMax;
  for (let number = 0; number < requests && performance.now() < untilMs; number++) {
    const startMs = performance.now();
    await firstValueFrom(client.send(pattern, { number }));
    tookMs.push(performance.now() - startMs);
  }
  return tookMs;
}

/** One client, in a process of its own as those of services are; the bench tells it what to do. */
async function obey(work: TransportWork): Promise<void> {
  // What clients say of themselves is not for those who read the figures.
  Logger.overrideLogger(['error', 'warn']);
  const client = await clientOf(work);
  const patterns = patternsOf(work.kind);
  process.on('message', async (order: ClientOrder) => {
    if ('events' in order) await sendEvents(client, patterns.events, order.events);
    const tookMs = 'requests' in order ? await ask(client, patterns.requests, order) : [];
    process.send!({ tookMs });
  });
  process.once('disconnect', () => process.exit());
  process.send!('ready');
}

void obey(JSON.parse(process.argv[2]!) as TransportWork);
