import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { StreamProducer, StreamsConnection } from '@sluice/streams';
import { eventually } from '../eventually';
import { adminOf, freshPrefix, sharedRedis, type TestRedis } from '../redis';
import { lostOf, type Note, type Order, type ServiceOptions } from './notes';

const service = join(__dirname, 'noting-service.ts');
const loader = join(__dirname, '../typescript-loader.cjs');

/** A process of the service. */
export class ServiceProcess {
  output = '';
  readonly #child: ChildProcess;
  readonly #ready: Promise<unknown>;
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;

  constructor(
    readonly name: string,
    options: ServiceOptions,
  ) {
    const env = { ...process.env, NOTING_SERVICE: JSON.stringify(options), NO_COLOR: '1' };
    const execArgv = ['--require', loader];
    const child = fork(service, { silent: true, execArgv, env });
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.on('data', (text) => (this.output += String(text)));
    }
    this.#child = child;
    this.#ready = once(child, 'message');
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve(signal ?? code));
    });
  }

  /** Resolves when it has joined its group. */
  async ready(): Promise<this> {
    const ended = this.ended.then(() => {
      throw new Error(`${this.name} ended:\n${this.output}`);
    });
    await Promise.race([this.#ready, ended]);
    return this;
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Sends the signal and waits for the end. */
  end(name: NodeJS.Signals): Promise<number | NodeJS.Signals | null> {
    this.signal(name);
    return this.ended;
  }
}

/** A record that the producer was told is written. */
export type Sent = Omit<Note, 'member'>;

/** A topic, a producer of the test's own process, and services that handle what it writes. */
export class TroubleBench {
  readonly sent: Sent[] = [];
  readonly topic = 'orders';
  readonly group = 'shop';
  readonly keyPrefix = freshPrefix();
  readonly connection: StreamsConnection;
  readonly producer: StreamProducer;
  /** Tells records of this topic from those of one that had its name. */
  life = 1;
  readonly #services: ServiceProcess[] = [];
  readonly #seqs = new Map<string, number>();
  readonly #notesPrefix = freshPrefix();

  private constructor(
    readonly redis: TestRedis,
    private readonly notesRedis: TestRedis,
    private readonly admin: Awaited<ReturnType<typeof adminOf>>,
  ) {
    this.connection = new StreamsConnection({ redisUrl: redis.url, keyPrefix: this.keyPrefix });
    this.producer = new StreamProducer(this.connection);
  }

  /** @param redis where the streams are; the notes are always in the spec's shared one */
  static async open(partitions: number, redis?: TestRedis): Promise<TroubleBench> {
    const shared = await sharedRedis();
    const bench = new TroubleBench(redis ?? shared, shared, await adminOf(shared));
    await bench.createTopic(partitions);
    return bench;
  }

  async createTopic(partitions: number): Promise<void> {
    const { catalog } = await this.connection.connect();
    const made = await catalog.create({ name: this.topic, partitions });
    if (!('created' in made)) throw new Error(made.message);
  }

  /** A process that begins; see `ready`. */
  begin(name: string, options: Partial<ServiceOptions> = {}): ServiceProcess {
    const process = new ServiceProcess(name, {
      name,
      topic: this.topic,
      group: this.group,
      keyPrefix: this.keyPrefix,
      redisUrl: this.redis.url,
      notesUrl: this.notesRedis.adminUrl,
      notesPrefix: this.#notesPrefix,
      ...options,
    });
    this.#services.push(process);
    return process;
  }

  /** Members that have joined. */
  members(names: string[], options: Partial<ServiceOptions> = {}): Promise<ServiceProcess[]> {
    return Promise.all(names.map((name) => this.begin(name, options).ready()));
  }

  /** Writes a record of each key; those that are acknowledged are noted as sent. */
  async round(keys: readonly string[], order: Partial<Order> = {}): Promise<void> {
    const { topic, life } = this;
    const outcomes = keys.map(async (key) => {
      const seq = this.#seqs.get(key) ?? 0;
      this.#seqs.set(key, seq + 1);
      const value = JSON.stringify({ ...order, life, seq } satisfies Order);
      const { partition, offset } = await this.producer.send({ topic, key, value });
      this.sent.push({ life, key, seq, partition, offset });
    });
    await Promise.all(outcomes);
  }

  /**
   * Writes round after round until the returned function is called, which resolves when the last
   * is written.
   *
   * @param pauseMs between the rounds; where a record takes long, as long as that, so that what is
   *   left to be handled does not grow with the time that the test takes
   */
  load(keys: readonly string[], order: Partial<Order> = {}, pauseMs = 10): () => Promise<void> {
    const end = new AbortController();
    const run = async (): Promise<void> => {
      while (!end.signal.aborted) {
        await this.round(keys, order);
        await sleep(pauseMs);
      }
    };
    const running = run();
    running.catch(() => undefined);
    return () => {
      end.abort();
      return running;
    };
  }

  /** What was handled, for each partition in the order in which it was. */
  async notes(partitions = 12): Promise<Note[]> {
    const lists = Array.from({ length: partitions }, (_, partition) =>
      this.admin.lrange(`${this.#notesPrefix}${partition}`, 0, -1),
    );
    return (await Promise.all(lists)).flat().map((text) => JSON.parse(text) as Note);
  }

  /** Waits until at least so many are noted; of one member, where it is named. */
  async noted(count: number, member?: string): Promise<Note[]> {
    return eventually(async () => {
      const notes = await this.notes();
      const own = member === undefined ? notes : notes.filter((one) => one.member === member);
      return own.length >= count && own;
    });
  }

  /** Waits until all that was sent is handled, and gives all notes. */
  async allHandled(): Promise<Note[]> {
    let lost: string[] = [];
    const handled = async (): Promise<Note[] | false> => {
      const notes = await this.notes();
      lost = lostOf(this.sent, notes);
      return lost.length === 0 && notes;
    };
    return eventually(handled, { timeoutMs: 60_000 }).catch((cause: unknown) => {
      const shown = this.#services.map(({ name, output }) => `${name}:\n${output.slice(-2_000)}`);
      const words = [`never handled: ${lost.slice(0, 50).join(' ')}`, ...shown];
      throw new Error(words.join('\n'), { cause });
    });
  }

  /** The log end of each partition of a topic. */
  async endOf(topic: string): Promise<number[]> {
    const { catalog, store } = await this.connection.connect();
    const { id: topicId, partitions } = await eventually(() => catalog.byName(topic));
    const refs = Array.from({ length: partitions }, (_, partition) => ({
      topic,
      topicId,
      partition,
    }));
    const bounds = await store.boundsMany(refs);
    return bounds.map((one) => one!.logEndOffset);
  }

  /** What was written there need not be handled any more. */
  forget(isGone: (one: Sent) => boolean): void {
    const rest = this.sent.filter((one) => !isGone(one));
    this.sent.splice(0, this.sent.length, ...rest);
  }

  /** Says a word that handlers wait for. */
  async say(word: string): Promise<void> {
    await this.admin.set(this.#notesPrefix + word, '1');
  }

  /** Waits for a word of a handler. */
  heard(word: string): Promise<string> {
    return eventually(() => this.admin.get(this.#notesPrefix + word));
  }

  async close(): Promise<void> {
    await Promise.all(this.#services.map((process) => process.end('SIGKILL')));
    await this.connection.close();
  }
}
