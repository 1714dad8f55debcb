import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import './newer-node.cjs';
import { Consumer, Producer, type MessagesStream } from '@platformatic/kafka';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { eventually } from './eventually';

/** How often each writer writes. */
const everyMs = 10;
/**
 * What kafkajs does by itself, some nine seconds in all. Where NODE_ENV is `test`, as under jest,
 * it has other defaults, by which more tries take less time.
 */
const retriesInUse = {
  initialRetryTime: 300,
  maxRetryTime: 30_000,
  factor: 0.2,
  multiplier: 2,
  retries: 5,
};
const keys = 24;

/** Where the clients of a test find the brokers, and what they write and read. */
export interface SteadyOptions {
  brokers: readonly string[];
  topic: string;
  /**
   * Whether producers number their batches. Default: they do. One that does may end where Redis has
   * lost what was acknowledged, as with Kafka.
   */
  isIdempotent?: boolean;
  /** How often kafkajs tries again, whatever it is about. Default: as often as by itself. */
  retries?: number;
}

/** A record where it is in the log. */
export interface PlacedRecord {
  partition: number;
  offset: number;
  value: string;
}

/** A client that writes or reads the whole time, and keeps what it was told. */
export interface SteadyClient {
  readonly name: string;
  /** Values that were acknowledged, or that were read. */
  readonly values: readonly string[];
  /** The same with their places, where the client tells these: kcat does so only when it reads. */
  readonly records: readonly PlacedRecord[];
  /** What was told to the application and should not have been. */
  readonly errors: readonly unknown[];
  stop(): Promise<void>;
}

type Place = Pick<PlacedRecord, 'partition' | 'offset'>;

/** Writes one value after the other, each once the last is acknowledged. */
class Writer implements SteadyClient {
  readonly values: string[] = [];
  readonly records: PlacedRecord[] = [];
  readonly errors: unknown[] = [];
  #isStopped = false;
  readonly #running: Promise<void>;

  constructor(
    readonly name: string,
    private readonly send: (key: string, value: string) => Promise<Place | null>,
    private readonly close: () => Promise<unknown>,
  ) {
    this.#running = this.#run();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
    await this.close();
  }

  async #run(): Promise<void> {
    for (let n = 0; !this.#isStopped; n++) {
      const value = `${this.name}-${n}`;
      try {
        const place = await this.send(String(n % keys), value);
        this.values.push(value);
        if (place !== null) this.records.push({ ...place, value });
      } catch (error) {
        this.errors.push(error);
      }
      await sleep(everyMs);
    }
  }
}

/** A kafkajs producer with idempotence, and its own retries. */
export async function kafkajsWriter(options: SteadyOptions): Promise<SteadyClient> {
  const { topic, isIdempotent: idempotent = true } = options;
  const producer = kafkajs(options).producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    idempotent,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  const send = async (key: string, value: string) => {
    const [sent] = await producer.send({ topic, messages: [{ key, value }] });
    return { partition: sent!.partition, offset: Number(sent!.baseOffset) };
  };
  return new Writer('kafkajs', send, () => producer.disconnect());
}

/** A producer of \@platformatic/kafka with idempotence. */
export function platformaticWriter(options: SteadyOptions): SteadyClient {
  const { brokers, topic, isIdempotent: idempotent = true } = options;
  const producer = new Producer({ ...platformatic(brokers), idempotent });
  const send = async (key: string, value: string) => {
    const messages = [{ topic, key: Buffer.from(key), value: Buffer.from(value) }];
    const { offsets } = await producer.send({ messages, acks: -1 });
    const { partition, offset } = offsets![0]!;
    return { partition, offset: Number(offset) };
  };
  return new Writer('platformatic', send, () => producer.close());
}

/** kcat that is given a line now and then; all count as acknowledged when it ends well. */
export function kcatWriter(options: SteadyOptions): SteadyClient {
  const { brokers, topic, isIdempotent = true } = options;
  const settings = ['-X', `enable.idempotence=${isIdempotent}`, '-K', ':'];
  const child = startKcat(brokers, ['-P', '-t', topic, ...settings]);
  // A kcat that has ended reads nothing; its exit code tells.
  child.stdin!.on('error', () => undefined);
  const send = (key: string, value: string) => {
    child.stdin!.write(`${key}:${value}\n`);
    return child.exitCode === null
      ? Promise.resolve(null)
      : Promise.reject(new Error('kcat ended'));
  };
  const ended = once(child, 'close');
  const writer = new Writer('kcat', send, async () => {
    child.stdin!.end();
    const [code] = (await ended) as [number | null];
    if (code !== 0) writer.errors.push(new Error(`kcat ended with ${code}`));
  });
  return writer;
}

/** Something that reads, and ends. */
class Reading implements SteadyClient {
  readonly values: string[] = [];
  readonly records: PlacedRecord[] = [];
  readonly errors: unknown[] = [];
  close: () => Promise<unknown> = () => Promise.resolve();

  constructor(readonly name: string) {}

  read(record: PlacedRecord): void {
    this.values.push(record.value);
    this.records.push(record);
  }

  async stop(): Promise<void> {
    await this.close();
  }
}

/** A kafkajs consumer in a group of its own. */
export async function kafkajsReader(options: SteadyOptions): Promise<SteadyClient> {
  const { topic } = options;
  const reading = new Reading('kafkajs, group');
  const consumer = kafkajs(options).consumer({
    groupId: 'kafkajs',
    sessionTimeout: 10_000,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 200,
  });
  // Where it restarts by itself, the application is told nothing that it has to deal with.
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    if (!payload.restart) reading.errors.push(payload.error);
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommitInterval: 200,
    eachMessage: async ({ partition, message: { offset, value } }) =>
      reading.read({ partition, offset: Number(offset), value: String(value) }),
  });
  reading.close = () => consumer.disconnect();
  return reading;
}

/** A consumer of \@platformatic/kafka in a group of its own. */
export async function platformaticReader(options: SteadyOptions): Promise<SteadyClient> {
  const reading = new Reading('platformatic, group');
  const consumer = new Consumer({
    ...platformatic(options.brokers),
    groupId: 'platformatic',
    sessionTimeout: 10_000,
    rebalanceTimeout: 10_000,
    heartbeatInterval: 500,
    maxWaitTime: 200,
    autocommit: 200,
  });
  const topics = [options.topic];
  const stream = (await consumer.consume({ topics, mode: 'earliest' })) as MessagesStream<
    Buffer,
    Buffer,
    Buffer,
    Buffer
  >;
  stream.on('data', ({ partition, offset, value }) =>
    reading.read({ partition, offset: Number(offset), value: String(value) }),
  );
  stream.on('error', (error) => reading.errors.push(error));
  reading.close = async () => {
    await stream.close();
    await consumer.close();
  };
  return reading;
}

/** kcat as a member of a group of its own, or on partitions that it has chosen by itself. */
export function kcatReader(
  { brokers, topic }: SteadyOptions,
  kind: 'group' | 'assign',
): SteadyClient {
  const reading = new Reading(`kcat, ${kind}`);
  const source = kind === 'group' ? ['-G', 'kcat', topic] : ['-C', '-t', topic];
  const from = ['-o', 'beginning', '-X', 'auto.offset.reset=earliest'];
  const settings = ['-X', 'session.timeout.ms=10000', '-X', 'auto.commit.interval.ms=200'];
  const output = ['-q', '-u', '-f', placedFormat, '-X', 'fetch.wait.max.ms=200'];
  const child = startKcat(brokers, [...from, ...settings, ...output, ...source]);
  createInterface({ input: child.stdout! }).on('line', (line) => reading.read(readPlaced(line)));
  let isEnding = false;
  const ended = once(child, 'close');
  child.once('close', (code) => {
    if (!isEnding) reading.errors.push(new Error(`kcat ended with ${code}`));
  });
  reading.close = () => {
    isEnding = true;
    child.kill('SIGTERM');
    return ended;
  };
  return reading;
}

/** Waits until each client has written or read some more. */
export async function untilAllProgress(clients: readonly SteadyClient[], count = 20) {
  const before = clients.map(({ values }) => values.length);
  const isFurther = ({ values }: SteadyClient, at: number) => values.length >= before[at]! + count;
  await eventually(() => clients.every(isFurther), { timeoutMs: 60_000 }).catch(
    (cause: unknown) => {
      const stuck = clients.filter((client, at) => !isFurther(client, at));
      const names = stuck.map(({ name, errors }) => `${name} ${errors.join('; ')}`).join(', ');
      throw new Error(`no progress: ${names}`, { cause });
    },
  );
}

/** How kcat is to print records for `readPlaced`. */
export const placedFormat = '%p %o %s\\n';

/** Reads what kcat prints of one record. */
export function readPlaced(line: string): PlacedRecord {
  const [partition, offset, value = ''] = line.split(' ');
  return { partition: Number(partition), offset: Number(offset), value };
}

function kafkajs({ brokers, retries = retriesInUse.retries }: SteadyOptions): Kafka {
  return new Kafka({
    clientId: 'steady',
    brokers: [...brokers],
    logLevel: logLevel.NOTHING,
    retry: { ...retriesInUse, retries },
  });
}

function platformatic(brokers: readonly string[]) {
  const retrying = { retries: 30, retryDelay: 200 };
  return { clientId: 'steady', bootstrapBrokers: [...brokers], ...retrying };
}

function startKcat(brokers: readonly string[], args: readonly string[]): ChildProcess {
  const backoff = ['-X', 'reconnect.backoff.ms=50', '-X', 'reconnect.backoff.max.ms=500'];
  return spawn('kcat', ['-b', brokers.join(','), ...backoff, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}
