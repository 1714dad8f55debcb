import { CreateTopics, ErrorCode } from '@sluice/wire';
import { eventually } from '../support/eventually';
import { hostAndPort } from '../support/home';
import { RawClient } from '../support/raw-client';
import { groupProgressMsMax } from './checkers/liveness';
import { writingFor, type ClientContext } from './clients/context';
import { faultsIn, faultsNamed } from './faults/all-faults';
import { FaultRunner } from './faults/fault-runner';
import { makeSchedule } from './faults/schedule';
import { readFinally } from './final-reading';
import { HistoryFile } from './history/history-file';
import type { RunNote } from './history/operation';
import { Progress } from './history/progress';
import type { NetworkKind } from './network/chaos-network';
import { openNetwork } from './network/open-network';
import { SeededRandom } from './seeded-random';
import { setUpNamed } from './set-ups/all-set-ups';
import type { SetUp } from './set-ups/set-up';
import { Workload } from './workload';

const topic = 'chaos';
const partitions = 4;
/** How long everybody works on after the last fault, at the least. */
const settleMsMin = 4_000;
const drainMsMax = 40_000;
/** A set-up that starts within this time starts on a machine that is not slow. */
const usualStartMs = 5_000;

/** What a run is asked for. */
export interface RunOptions {
  setUp: string;
  /** Default: proxies. */
  network?: NetworkKind;
  seconds: number;
  seed: number;
  /** Names of faults; null: all that the set-up can have. */
  faults: readonly string[] | null;
  /** How often each of them is to happen; null or missing: as it comes. */
  each?: number | null;
  historyFile: string;
  /** Where what gateways say is kept; null: nowhere. */
  logFolder: string | null;
  /**
   * By how much longer everybody may need than on an idle machine, at the least. How slow a machine
   * is, is measured while the set-up starts: it may become slower. Default: 1.
   */
  patience?: number;
  /** For the report. */
  command: string;
  commit: string;
  /** Ends the run early. */
  signal: AbortSignal;
  progress: (line: string) => void;
  /** What is done to the set-up before clients come; for tests of the checkers. */
  sabotage?: (setUp: SetUp) => void;
}

type Measured = RunOptions & Pick<RunNote, 'slowness'>;

/**
 * Starts a set-up, lets clients work and faults happen, and writes the history of it. Whatever
 * happens, nothing of it is left running.
 */
export async function runChaos(options: RunOptions): Promise<void> {
  const { start } = setUpNamed(options.setUp);
  const wanted = faultsNamed(options.faults);
  const history = new HistoryFile(options.historyFile);
  const random = new SeededRandom(options.seed);
  const plans = random.fork();
  const network = await openNetwork(options.network ?? 'proxies', random.fork());
  let setUp: SetUp | null = null;
  try {
    setUp = await start({ history, network, logFolder: options.logFolder });
    const slowness = Math.max(options.patience ?? 1, history.now() / usualStartMs);
    const { possible, left } = faultsIn(setUp, wanted);
    for (const { name, why } of left) options.progress(`without ${name}: ${why}`);
    const { seconds, each } = options;
    const schedule = makeSchedule(plans, { seconds, faults: possible, each });
    const writing = writingFor(seconds);
    const context = { ...contextOf(setUp, history, random.fork()), writing, slowness };
    const onDisk = await createTopic(context, setUp);
    const runner = new FaultRunner(setUp, history, random.fork(), options.signal);
    const workload = new Workload(context);
    noteRun({ ...options, slowness }, { ...setUp, onDisk }, workload, history);
    options.sabotage?.(setUp);
    const measured = { ...options, slowness };
    try {
      await work(setUp, context, workload, measured, () => runner.run(schedule, seconds));
    } catch (error) {
      await Promise.all([workload.stopProducers(), workload.stopConsumers()]);
      throw error;
    }
    if (runner.skipped > 0) options.progress(`${runner.skipped} faults never found a free target`);
  } finally {
    await setUp?.stop();
    await network.close();
    history.close();
  }
}

async function work(
  { gateways }: SetUp,
  context: ClientContext,
  workload: Workload,
  { progress, seconds, signal, slowness }: Measured,
  letFaultsHappen: () => Promise<void>,
): Promise<void> {
  const { history } = context;
  const reached = new Progress(history);
  const names = [...workload.readers.map(({ name }) => name), ...workload.groups];
  await workload.start();
  progress(`${seconds} s of faults`);
  await letFaultsHappen();
  if (signal.aborted) throw new Error('stopped before its end');
  const healedMs = history.now();
  history.add({ kind: 'healed', atMs: healedMs });
  workload.settle();
  progress('every fault is over');
  const everybody = [...workload.producers.map(({ name }) => name), ...names];
  const untilMs = healedMs + settleMsMin;
  const isSettled = () => history.now() > untilMs && reached.haveGotOn(everybody, healedMs);
  await workload.wait(() => signal.aborted || isSettled(), slowness * groupProgressMsMax);
  await workload.stopProducers();
  const last = await readFinally(context, 1);
  progress('consumers read to the end');
  await workload.wait(
    () => signal.aborted || reached.haveReached(names, last),
    slowness * drainMsMax,
  );
  await workload.stopConsumers();
  // What they have in memory is not in their way any more.
  await Promise.all(gateways.map((gateway) => gateway.kill()));
  await Promise.all(gateways.map((gateway) => gateway.start()));
  await readFinally(context, 2);
}

function contextOf(
  setUp: SetUp,
  history: HistoryFile,
  random: SeededRandom,
): Omit<ClientContext, 'writing' | 'slowness'> {
  const names = new Map(setUp.gateways.map(({ address, name }) => [hostAndPort(address), name]));
  return {
    history,
    seeds: setUp.gateways.map(({ address }) => address),
    gatewayAt: (address) => names.get(hostAndPort(address)) ?? null,
    topic,
    partitions,
    random,
  };
}

/**
 * Makes the topic, which asks for all copies that there are, or on one Redis for its disk where it
 * can be asked for that; returns whether it asks for the disk.
 */
async function createTopic({ seeds }: ClientContext, { copies }: SetUp): Promise<boolean> {
  const inSync = { name: 'min.insync.replicas', value: String(copies) };
  const disk = { name: 'sluice.ack.disk', value: 'all' };
  let onDisk = copies === 1;
  await eventually(async () => {
    const { host, port } = seeds[0]!;
    const client = await RawClient.connect(port, { host });
    try {
      const configs = onDisk ? [inSync, disk] : [inSync];
      const wanted = { name: topic, numPartitions: partitions, replicationFactor: -1, configs };
      const reply = await client.send(CreateTopics, 7, { topics: [wanted] });
      const { errorCode } = reply.topics[0]!;
      if (errorCode === ErrorCode.INVALID_CONFIG) onDisk = false;
      return errorCode === ErrorCode.NONE || errorCode === ErrorCode.TOPIC_ALREADY_EXISTS;
    } finally {
      await client.close();
    }
  });
  return onDisk;
}

function noteRun(
  { command, commit, seed, setUp: name, network, seconds, slowness }: Measured,
  { redisVersion, copies, onDisk }: Pick<SetUp, 'redisVersion' | 'copies'> & { onDisk: boolean },
  workload: Workload,
  history: HistoryFile,
): void {
  history.add({
    kind: 'run',
    command,
    commit,
    seed,
    setUp: name,
    network,
    seconds,
    slowness,
    versions: { redis: redisVersion, node: `Node ${process.version}` },
    partitions,
    copies,
    onDisk,
    producers: workload.producers.map(({ name }) => name),
    readers: workload.readers.map(({ name }) => name),
    groups: [...workload.groups],
  });
}
