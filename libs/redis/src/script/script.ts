import { createHash } from 'node:crypto';
import { Command, type ChainableCommander, type Redis } from 'ioredis';
import { classify, classifyScript, disconnected, isErrorReply, UnknownOutcome } from '../errors';
import { bareName, restMark } from './header';
import { checkReplies, ReplyReader, type ReplyOf, type ReplyShapes } from './reply';
import { readScript, type ScriptSource } from './source';

/** A value that can be given to a script. */
export type RedisArg = string | number | Buffer;

/** What TypeScript knows of a script; it must agree with the header of the .lua file. */
export interface ScriptDeclaration<K extends string, A extends string> {
  /** As `log/append`; the header must bear the same name. */
  name: string;
  /** Absolute path of the .lua file. */
  file: string;
  /** Names of KEYS in order; `?` marks one that may be missing, `…` a last one that is a list. */
  keys: readonly K[];
  /** Names of ARGV in order; `…` marks a last one that is a list. */
  args: readonly A[];
}

/** The replies of a script. */
export interface ReplyDeclaration<R extends ReplyShapes, N extends ReplyShapes> {
  /** What is answered where the script did its work. */
  reply: R;
  /** What is answered where it did nothing. */
  refused?: N;
}

type Bare<N extends string> = N extends `${infer Name}…` | `${infer Name}?` ? Name : N;

/** Values by declared name, without its mark; a list for a name with `…`. */
export type Named<N extends string, V> = {
  readonly [P in N as Bare<P>]: P extends `${string}…` ? readonly V[] : V;
};

/**
 * A Lua script that runs on Redis as one atomic step. It is called by its SHA-1; a Redis that does
 * not know it says so before it runs anything, and then is sent the source, once.
 */
export class Script<K extends string = string, A extends string = string, R = unknown> {
  /** What is sent to Redis. */
  readonly source: string;
  readonly sha1: string;
  /** Where each line of the source comes from, as `append.lua:12`. */
  readonly origins: readonly string[];
  readonly #readsOnly: boolean;
  readonly #keys: Names;
  readonly #args: Names;
  readonly #commandOptions: { replyEncoding: 'utf8' | null };

  /** Use `defineScript`, which reads and checks the file. */
  constructor(
    readonly name: string,
    { text, header, origins }: ScriptSource,
    readonly replies: ReplyReader,
  ) {
    this.source = text;
    this.origins = origins;
    this.#readsOnly = /^#!lua .*\bno-writes\b/.test(text);
    this.sha1 = createHash('sha1').update(text).digest('hex');
    this.#keys = new Names(header.keys);
    this.#args = new Names(header.args);
    this.#commandOptions = { replyEncoding: replies.wantsBytes ? null : 'utf8' };
  }

  /**
   * Runs the script. It is sent before this returns its promise.
   *
   * @param keys by declared name; other properties are passed over
   * @param args as `keys`
   * @throws RedisUnavailable when it was not executed, UnknownOutcome when it may have been, as a
   *   whole or in part, RedisReplyError when it cannot be
   */
  async call(connection: Redis, keys: Named<K, string>, args: Named<A, RedisArg>): Promise<R> {
    return this.read(await this.#run(connection, this.#parts(keys, args)));
  }

  /**
   * Sends EVALSHA and nothing after it, as is needed inside a MULTI: there Redis answers QUEUED,
   * and the reply comes with that of EXEC, for `read`.
   */
  queue(connection: Redis, keys: Named<K, string>, args: Named<A, RedisArg>): Promise<unknown> {
    return this.#send(connection, 'evalsha', this.#parts(keys, args));
  }

  /**
   * Puts the script into a transaction of ioredis, with its whole source: a server that does not
   * know it could say so only when all else of the transaction is done. The reply comes with that
   * of EXEC, for `read`.
   */
  queueSource(
    transaction: ChainableCommander,
    keys: Named<K, string>,
    args: Named<A, RedisArg>,
  ): void {
    const [, keyCount, ...others] = this.#parts(keys, args);
    transaction.eval(this.source, String(keyCount), ...others);
  }

  /**
   * The reply by its names.
   *
   * @throws UnknownOutcome when it is none of those declared: whatever ran was another script
   */
  read(raw: unknown): R {
    try {
      return this.replies.read(raw) as R;
    } catch (error) {
      const { message } = error as Error;
      throw new UnknownOutcome(this.name, { cause: error }, `${message}, which is not declared`);
    }
  }

  /**
   * What an error that Redis answers says of this script. One that only reads has done nothing,
   * wherever it failed.
   */
  classify(error: unknown): Error {
    if (this.#readsOnly) return classify(error, this.name);
    return classifyScript(error, this.name, (line) => this.origins[line - 1] ?? `line ${line}`);
  }

  /**
   * The names of keys that the header says exist, and that do not. For tests: Redis Cluster wants
   * the keys of a script to exist while their slot is moved.
   */
  async missingKeys(connection: Redis, keys: Named<K, string>): Promise<string[]> {
    const names = this.#keys.unmarked();
    const found = await Promise.all(
      names.map((name) => connection.exists((keys as Values)[name] as string)),
    );
    return names.filter((_, index) => found[index] === 0);
  }

  /**
   * Makes the script known to the server, so that the first call needs no second round trip.
   *
   * @throws as `call`
   */
  async load(connection: Redis): Promise<void> {
    if (connection.status !== 'ready') throw disconnected(this.name);
    try {
      await connection.script('LOAD', this.source);
    } catch (error) {
      throw classify(error, this.name);
    }
  }

  async #run(connection: Redis, parts: Parts): Promise<unknown> {
    if (connection.status !== 'ready') throw disconnected(this.name);
    try {
      return await this.#send(connection, 'evalsha', parts);
    } catch (error) {
      if (!isErrorReply(error) || !error.message.startsWith('NOSCRIPT')) {
        throw this.classify(error);
      }
    }
    if (connection.status !== 'ready') throw disconnected(this.name);
    parts[0] = this.source;
    try {
      // Safe to send again: NOSCRIPT is the answer of a server that has run nothing.
      return await this.#send(connection, 'eval', parts);
    } catch (error) {
      throw this.classify(error);
    }
  }

  /** What stands behind EVALSHA: the script, how many keys, the keys, the arguments. */
  #parts(keys: Named<K, string>, args: Named<A, RedisArg>): Parts {
    const parts: Parts = [this.sha1, ''];
    this.#keys.append(parts, keys as Values);
    parts[1] = String(parts.length - 2);
    this.#args.append(parts, args as Values);
    return parts;
  }

  #send(connection: Redis, command: 'evalsha' | 'eval', parts: Parts): Promise<unknown> {
    const message = new Command(command, [], this.#commandOptions);
    // Not given to the constructor, which would copy the list by the slow `flat()`.
    message.args = parts;
    return connection.sendCommand(message) as Promise<unknown>;
  }
}

/** The arguments of a command, as they are sent. */
type Parts = (string | Buffer)[];
type Values = Readonly<Record<string, RedisArg | readonly RedisArg[]>>;

/** A number as text; ioredis' constructor would do it, which is gone round. */
function toSent(value: RedisArg): string | Buffer {
  return typeof value === 'number' ? String(value) : value;
}

/** Declared names, in order. */
class Names {
  readonly #single: readonly string[];
  readonly #list: string | null;

  constructor(private readonly names: readonly string[]) {
    const hasList = names.at(-1)?.endsWith(restMark) ?? false;
    this.#single = (hasList ? names.slice(0, -1) : names).map(bareName);
    this.#list = hasList ? bareName(names.at(-1)!) : null;
  }

  /** Those of single values that may not be missing. */
  unmarked(): string[] {
    return this.names.filter((name) => name === bareName(name));
  }

  append(parts: Parts, values: Values): void {
    for (const name of this.#single) parts.push(toSent(values[name] as RedisArg));
    if (this.#list === null) return;
    for (const value of values[this.#list] as readonly RedisArg[]) parts.push(toSent(value));
  }
}

/** All scripts that were defined; each connection loads them when it is made. */
const defined = new Map<string, Script>();

/** The scripts of this process, each once. */
export function definedScripts(): Iterable<Script> {
  return defined.values();
}

/**
 * Reads a .lua file and checks its header against the declaration and against what the script uses.
 * Connections that are made from then on load it.
 *
 * @throws Error naming the file and what does not agree
 */
export function defineScript<
  const K extends string,
  const A extends string,
  const R extends ReplyShapes,
  const N extends ReplyShapes = Record<never, never>,
>(
  declaration: ScriptDeclaration<K, A> & ReplyDeclaration<R, N>,
): Script<K, A, ReplyOf<R> | ReplyOf<N>> {
  const { name, file, keys, args, reply, refused } = declaration;
  try {
    const source = readScript(file);
    const { header } = source;
    if (header.name !== name) throw new Error(`is "${header.name}", but is declared as "${name}"`);
    checkSame('KEYS', header.keys, keys);
    checkSame('ARGV', header.args, args);
    checkReplies(header, { reply, refused: refused ?? {} });
    const reader = new ReplyReader({ ...reply, ...refused });
    const script = new Script<K, A, ReplyOf<R> | ReplyOf<N>>(name, source, reader);
    defined.set(file, script as unknown as Script);
    return script;
  } catch (error) {
    throw new Error(`The script ${file}: ${(error as Error).message}.`, { cause: error });
  }
}

function checkSame(table: string, header: readonly string[], declared: readonly string[]): void {
  if (header.join(' ') === declared.join(' ')) return;
  throw new Error(
    `has ${table} "${header.join(' ')}", but is declared with "${declared.join(' ')}"`,
  );
}
