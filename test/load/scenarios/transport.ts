import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { Logger } from '@nestjs/common';
import { firstValueFrom } from 'rxjs';
import type { BenchContext, Measurement } from '../bench-context';
import { median, percentile } from '../stats';
import { clientOf } from '../transports/client';
import { installPeer } from '../transports/peer';
import {
  patternsOf,
  transportKinds,
  type BenchClient,
  type Handled,
  type TransportKind,
  type TransportWork,
} from '../transports/work';

/** Events that have been sent and are not confirmed to the sender yet. */
const unconfirmedMax = 500;
const measureMsMax = 60_000;
/** Requests of a transport that takes long for each are fewer. */
const askMsMax = 5_000;
/** So many requests of a transport, then of the next: other work on the machine meets all alike. */
const portionRequests = 250;

const peerNames: Record<TransportKind, string> = {
  sluice: '',
  'sluice-at-most-once': '',
  'nest-redis': "NestJS' Redis transport (pub/sub)",
  'nest-kafka': "NestJS' Kafka transport through a gateway",
  'streams-peer': '@nestjs-redis/streams-transporter 2.0.1',
};

/** One transport under test: a service in a process of its own, and a client here. */
interface Running {
  kind: TransportKind;
  service: ChildProcess;
  client: BenchClient;
}

interface Figures {
  eventsPerSecond: number[];
  p50Ms: number[];
  p99Ms: number[];
}

/**
 * Events and requests through the NestJS transport and through others, the same service behind
 * each: one partition, handled one by one. In turns, each as long as it takes.
 */
export async function measureTransport(context: BenchContext): Promise<Measurement[]> {
  // What clients say of themselves is not for those who read the figures.
  Logger.overrideLogger(['error', 'warn']);
  const kafkaPort = await context.startGateway();
  const redisUrl = `redis://127.0.0.1:${context.redis.options.port}`;
  context.progress('transport, installing the peer from npm for the time of the bench');
  const peer = installPeer(dirname(dirname(require.resolve('rxjs/package.json'))));
  const running: Running[] = [];
  try {
    for (const kind of transportKinds) {
      context.progress(`transport, starting ${kind}`);
      running.push(await start({ kind, redisUrl, kafkaPort, peerEntry: peer.entry }));
    }
    const figures = await inTurns(context, running);
    return [...ownDefaults(figures), ...equalGuarantees(figures)];
  } finally {
    for (const { service, client } of running) {
      await client.close();
      service.kill('SIGKILL');
    }
    peer.remove();
    await context.stopGateway();
    await context.redis.flushall();
  }
}

async function start(work: TransportWork): Promise<Running> {
  const entry = join(__dirname, '../transports/service.js');
  const service = fork(entry, [JSON.stringify(work)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await inTime(once(service, 'message'), `the service of ${work.kind}`);
  return { kind: work.kind, service, client: await clientOf(work) };
}

async function inTurns(
  { quick, rounds, progress }: BenchContext,
  running: readonly Running[],
): Promise<Map<TransportKind, Figures>> {
  const events = quick ? 5_000 : 50_000;
  const requests = quick ? 1_000 : 5_000;
  const figures = new Map<TransportKind, Figures>();
  for (const { kind } of running) figures.set(kind, { eventsPerSecond: [], p50Ms: [], p99Ms: [] });
  // The first round is not counted: what a process does first it does slowly.
  for (let round = 0; round <= rounds; round++) {
    for (const one of running) {
      progress(`transport, events of ${one.kind}, round ${round}`);
      const rate = await inTime(sendEvents(one, events), one.kind);
      if (round > 0) figures.get(one.kind)!.eventsPerSecond.push(rate);
    }
    progress(`transport, requests, round ${round}`);
    const tookMs = await askInTurns(running, requests);
    if (round === 0) continue;
    for (const { kind } of running) {
      figures.get(kind)!.p50Ms.push(percentile(tookMs.get(kind)!, 0.5));
      figures.get(kind)!.p99Ms.push(percentile(tookMs.get(kind)!, 0.99));
    }
  }
  return figures;
}

async function askInTurns(
  running: readonly Running[],
  requests: number,
): Promise<Map<TransportKind, number[]>> {
  const tookMs = new Map<TransportKind, number[]>();
  for (const { kind } of running) tookMs.set(kind, []);
  const portions = requests / portionRequests;
  for (let portion = 0; portion < portions; portion++) {
    for (const one of running) {
      const found = await inTime(ask(one, portionRequests, askMsMax / portions), one.kind);
      tookMs.get(one.kind)!.push(...found);
    }
  }
  return tookMs;
}

/** Events a second, from the first that is sent to the last that is handled. */
async function sendEvents({ kind, service, client }: Running, total: number): Promise<number> {
  const { events } = patternsOf(kind);
  service.send({ events: total });
  await once(service, 'message');
  const handled = once(service, 'message') as Promise<[Handled]>;
  const startMs = performance.now();
  let sent = 0;
  const lane = async () => {
    while (sent < total) await firstValueFrom(client.emit(events, { number: sent++ }));
  };
  await Promise.all(Array.from({ length: unconfirmedMax }, lane));
  const [{ outOfOrder }] = await handled;
  const tookMs = performance.now() - startMs;
  if (outOfOrder > 0 && kind.startsWith('sluice')) throw new Error(`${outOfOrder} out of order`);
  return (1000 * total) / tookMs;
}

/** How long each request took, one after the other; as many as there is time for. */
async function ask({ kind, client }: Running, total: number, msMax: number): Promise<number[]> {
  const tookMs: number[] = [];
  const untilMs = performance.now() + msMax;
  for (let number = 0; number < total && performance.now() < untilMs; number++) {
    const startMs = performance.now();
    await firstValueFrom(client.send(patternsOf(kind).requests, { number }));
    tookMs.push(performance.now() - startMs);
  }
  return tookMs;
}

function ownDefaults(figures: Map<TransportKind, Figures>): Measurement[] {
  const name = 'own defaults';
  return [
    compare(figures, 'sluice', 'nest-redis', name, { rateMin: 1, p50Max: 1.3 }),
    compare(figures, 'sluice', 'nest-kafka', name, {}),
    compare(figures, 'sluice', 'streams-peer', name, { rateMin: 3 }),
  ].flat();
}

/** Kafka's defaults promise what ours do; the others promise less, and ours is told to as well. */
function equalGuarantees(figures: Map<TransportKind, Figures>): Measurement[] {
  const name = 'both at most once';
  const asked = { rateMin: 1, p50Max: 1.3 };
  return [
    compare(figures, 'sluice-at-most-once', 'nest-redis', name, asked),
    compare(figures, 'sluice-at-most-once', 'streams-peer', name, { rateMin: 3 }),
  ].flat();
}

function compare(
  figures: Map<TransportKind, Figures>,
  ours: TransportKind,
  theirs: TransportKind,
  terms: string,
  { rateMin, p50Max }: { rateMin?: number; p50Max?: number },
): Measurement[] {
  const row = (figure: keyof Figures, what: string, unit: string) => {
    const sluice = median(figures.get(ours)![figure]);
    const peer = median(figures.get(theirs)![figure]);
    const name = `${what}, ${terms}, beside ${peerNames[theirs]}`;
    return { name, unit, sluice, peer, peerName: peerNames[theirs], ratio: sluice / peer };
  };
  const rate = row('eventsPerSecond', 'events', 'events/s');
  const p50 = row('p50Ms', 'request p50', 'ms');
  return [
    rateMin === undefined
      ? rate
      : { ...rate, target: `ratio at least ${rateMin}`, met: rate.ratio >= rateMin },
    p50Max === undefined
      ? p50
      : { ...p50, target: `ratio at most ${p50Max}`, met: p50.ratio <= p50Max },
    row('p99Ms', 'request p99', 'ms'),
  ];
}

/** @throws Error that names what took too long */
async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const message = `${what} took longer than ${measureMsMax} ms`;
    timer = setTimeout(() => reject(new Error(message)), measureMsMax);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
