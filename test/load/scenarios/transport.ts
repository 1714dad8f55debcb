import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import type { BenchContext, Measurement } from '../bench-context';
import { median, percentile } from '../stats';
import { installPeer } from '../transports/peer';
import {
  transportKinds,
  type ClientOrder,
  type ClientOutcome,
  type Handled,
  type TransportKind,
  type TransportWork,
} from '../transports/work';

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

/** One transport under test: a service and a client, each a process as they are in use. */
interface Running {
  kind: TransportKind;
  service: ChildProcess;
  client: ChildProcess;
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
      for (const child of [client, service]) child.kill('SIGKILL');
    }
    peer.remove();
    await context.stopGateway();
    await context.redis.flushall();
  }
}

async function start(work: TransportWork): Promise<Running> {
  const service = await startPart('service', work);
  return { kind: work.kind, service, client: await startPart('client-process', work) };
}

async function startPart(part: string, work: TransportWork): Promise<ChildProcess> {
  const child = fork(join(__dirname, `../transports/${part}.js`), [JSON.stringify(work)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  await inTime(once(child, 'message'), `the ${part} of ${work.kind}`);
  return child;
}

async function obeyed(client: ChildProcess, order: ClientOrder): Promise<ClientOutcome> {
  const outcome = once(client, 'message') as Promise<[ClientOutcome]>;
  client.send(order);
  return (await outcome)[0];
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
      const order = { requests: portionRequests, msMax: askMsMax / portions };
      const found = await inTime(obeyed(one.client, order), one.kind);
      tookMs.get(one.kind)!.push(...found.tookMs);
    }
  }
  return tookMs;
}

/** Events a second, from the first that is sent to the last that is handled. */
async function sendEvents({ kind, service, client }: Running, total: number): Promise<number> {
  service.send({ events: total });
  await once(service, 'message');
  const handled = once(service, 'message') as Promise<[Handled]>;
  const startMs = performance.now();
  await obeyed(client, { events: total });
  const [{ outOfOrder }] = await handled;
  const tookMs = performance.now() - startMs;
  if (outOfOrder > 0 && kind.startsWith('sluice')) throw new Error(`${outOfOrder} out of order`);
  return (1000 * total) / tookMs;
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
