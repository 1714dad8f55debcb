import { readdirSync, readFileSync } from 'node:fs';
import type { BenchContext, Measurement } from '../bench-context';
import { RawConnection } from '../raw-connection';
import { createTopic, deleteTopic } from '../requests';
import { median, seconds } from '../stats';
import { fillTopic, readOnce } from './fetch';
import { batchesOf, largeBatches, openMany, produceAll, singleRecords, type Load } from './produce';

/**
 * Processes of each build. What one makes of the code as it compiles it, it keeps: one gateway may
 * take a third more of the processor than another of the same build, for all of its life.
 */
const processesOfBuild = 5;
const warmUpRounds = 3;
/** Short turns: what else the machine does at the time hits both builds. */
const singlesOfTurn = 60_000;
const largeOfTurn = 1_500;
const hotBatches = 320;
const hotPasses = 12;
const topic = 'bench-other-build';

/** A process that is measured. */
interface Measured {
  readonly build: 'this' | 'other';
  readonly pid: number;
  /** Makes a turn possible; not measured. */
  begin(): Promise<void>;
  /** One turn. */
  run(): Promise<void>;
  /** Takes away what it has left behind; not measured. */
  finish(): Promise<void>;
  close(): Promise<void>;
  readonly rates: number[];
  /** Processor time for each operation, in microseconds; empty where the system does not tell. */
  readonly microseconds: number[];
}

/** What is compared: how a gateway is made ready, and how often it does what in a turn. */
interface Work {
  readonly name: string;
  readonly unit: string;
  readonly operations: number;
  /** Units in one operation. */
  readonly factor: number;
  prepare(port: number): Promise<Pick<Measured, 'begin' | 'run' | 'finish' | 'close'>>;
}

/** What two builds can be compared by; the names are those of the comparisons with bare Redis. */
export const buildWorks: Readonly<Record<string, () => Work>> = {
  produce: () => producing({ ...largeBatches({ quick: true }), total: largeOfTurn }),
  single: () => producing({ ...singleRecords({ quick: true }), total: singlesOfTurn }),
  fetch: fetchingHot,
};

/**
 * Has several processes of this build and of another do the same, in turns of an order that
 * chance gives, and compares the medians of the processes' medians.
 *
 * @param names of `buildWorks`
 */
export async function measureBesideBuild(
  context: BenchContext,
  names: readonly string[],
): Promise<Measurement[]> {
  const results: Measurement[] = [];
  for (const name of names) results.push(...(await compare(context, buildWorks[name]!())));
  return results;
}

async function compare(context: BenchContext, work: Work): Promise<Measurement[]> {
  context.progress(`${work.name}: ${processesOfBuild} processes of each build`);
  const measured: Measured[] = [];
  try {
    for (let n = 0; n < processesOfBuild; n++) {
      for (const build of ['other', 'this'] as const) {
        const { port, pid } = await context.startBuild(build, `bench-${build}-${n}:`);
        const made = await work.prepare(port);
        measured.push({ build, pid, ...made, rates: [], microseconds: [] });
      }
    }
    for (let round = 0; round < warmUpRounds + context.rounds; round++) {
      for (const one of shuffled(measured)) await takeTurn(one, work, round >= warmUpRounds);
    }
  } finally {
    await Promise.all(measured.map((one) => one.close()));
    await context.stopGateway();
    await context.redis.flushall();
  }
  return resultsOf(work, measured);
}

async function takeTurn(one: Measured, { operations }: Work, counts: boolean): Promise<void> {
  await one.begin();
  const before = processorMicroseconds(one.pid);
  const took = await seconds(() => one.run());
  const after = processorMicroseconds(one.pid);
  await one.finish();
  if (!counts) return;
  one.rates.push(operations / took);
  if (before !== null && after !== null) one.microseconds.push((after - before) / operations);
}

function resultsOf({ name, unit, factor }: Work, measured: readonly Measured[]): Measurement[] {
  const middle = (build: 'this' | 'other', of: (one: Measured) => number[]): number =>
    median(measured.filter((one) => one.build === build).map((one) => median(of(one))));
  const line = (what: string, inUnit: string, of: (one: Measured) => number[]): Measurement => {
    const [sluice, peer] = [middle('this', of), middle('other', of)];
    return {
      name: what,
      unit: inUnit,
      sluice,
      peer,
      peerName: 'the other build',
      ratio: sluice / peer,
    };
  };
  const rate = line(name, unit, ({ rates }) => rates.map((each) => each * factor));
  const isTold = measured.every(({ microseconds }) => microseconds.length > 0);
  if (!isTold) return [rate];
  const cost = line(`${name}: processor time each`, 'µs', ({ microseconds }) => microseconds);
  return [rate, cost];
}

/** What all threads of a process have used so far; null where the system is not Linux. */
function processorMicroseconds(pid: number): number | null {
  try {
    const tasks = `/proc/${pid}/task`;
    const used = readdirSync(tasks).map((id) =>
      Number(readFileSync(`${tasks}/${id}/schedstat`, 'utf8').split(' ')[0]),
    );
    return used.reduce((sum, nanoseconds) => sum + nanoseconds, 0) / 1000;
  } catch {
    return null;
  }
}

function producing(load: Load): Work {
  const batches = batchesOf(load);
  const isBytes = load.perSecond === 'bytes';
  return {
    name: load.name,
    unit: isBytes ? 'MB/s' : 'records/s',
    operations: load.total,
    factor: isBytes ? batches[0]!.length / 1e6 : 1,
    async prepare(port) {
      const connections = await openMany(port, load.connections);
      const begin = () => createTopic(connections[0]!, topic, load.partitions);
      const run = async (): Promise<void> => {
        await produceAll(load, batches, topic, connections);
      };
      const finish = () => deleteTopic(connections[0]!, topic);
      const close = (): Promise<void> => {
        for (const connection of connections) connection.close();
        return Promise.resolve();
      };
      return { begin, run, finish, close };
    },
  };
}

const nothing = (): Promise<void> => Promise.resolve();

function fetchingHot(): Work {
  const [batch] = batchesOf(largeBatches({ quick: true }));
  return {
    name: 'fetch, hot tail, 64 KiB batches',
    unit: 'MB/s',
    operations: hotBatches * hotPasses,
    factor: batch!.length / 1e6,
    async prepare(port) {
      const connection = await RawConnection.open(port);
      await createTopic(connection, topic, 1);
      await fillTopic(connection, topic, hotBatches);
      const run = async (): Promise<void> => {
        for (let pass = 0; pass < hotPasses; pass++) await readOnce(connection, topic, hotBatches);
      };
      const close = () => Promise.resolve(connection.close());
      return { begin: nothing, run, finish: nothing, close };
    },
  };
}

function shuffled<T>(list: readonly T[]): T[] {
  return list
    .map((one) => ({ one, at: Math.random() }))
    .sort((left, right) => left.at - right.at)
    .map(({ one }) => one);
}
