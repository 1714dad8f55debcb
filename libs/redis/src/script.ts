import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Command, type Redis } from 'ioredis';
import { classify, disconnected, isErrorReply } from './errors';
import { checkScriptUse, parseScriptHeader, variadicMark } from './script-header';

/** A value that can be given to a script. */
export type RedisArg = string | number | Buffer;

/** How strings in a script's reply arrive. */
export type ReplyForm = 'buffer' | 'text';

/** What TypeScript knows of a script; it must agree with the header of the .lua file. */
export interface ScriptDeclaration<K extends string, A extends string> {
  /** As `log/append`; the header must bear the same name. */
  name: string;
  /** Absolute path of the .lua file. */
  file: string;
  /** Names of KEYS in order; a last name that ends in `…` takes any number. */
  keys: readonly K[];
  /** Names of ARGV in order; a last name that ends in `…` takes any number. */
  args: readonly A[];
  /** `buffer`: strings of the reply arrive as Buffers; `text`: as UTF-8 strings. */
  reply: ReplyForm;
}

/** Values by declared name; the name with `…` (here without it) takes a list. */
export type Named<N extends string, V> = {
  readonly [P in N as P extends `${infer Base}…` ? Base : P]: P extends `${string}…`
    ? readonly V[]
    : V;
};

/**
 * A Lua script that runs on Redis as one atomic step. It is called by its SHA-1; a Redis that does
 * not know it says so before it runs anything, and then is sent the source, once.
 */
export class Script<K extends string = string, A extends string = string> {
  readonly sha1: string;
  readonly #commandOptions: { replyEncoding: 'utf8' | null };

  /** Use `defineScript`, which reads and checks the file. */
  constructor(
    readonly name: string,
    readonly source: string,
    readonly keyNames: readonly K[],
    readonly argNames: readonly A[],
    reply: ReplyForm,
  ) {
    this.sha1 = createHash('sha1').update(source).digest('hex');
    this.#commandOptions = { replyEncoding: reply === 'text' ? 'utf8' : null };
  }

  /**
   * Runs the script with its keys and arguments in declared order; the arrays are used as they are.
   * The fast form: nothing is looked up by name.
   *
   * @throws RedisUnavailable when it was not executed, UnknownOutcome when it may have been,
   *   RedisReplyError when the script failed
   */
  async run(
    connection: Redis,
    keys: readonly string[],
    args: readonly RedisArg[],
  ): Promise<unknown> {
    if (connection.status !== 'ready') throw disconnected(this.name);
    try {
      return await this.#send(connection, 'evalsha', this.sha1, keys, args);
    } catch (error) {
      if (!isErrorReply(error) || !error.message.startsWith('NOSCRIPT')) {
        throw classify(error, this.name);
      }
    }
    if (connection.status !== 'ready') throw disconnected(this.name);
    try {
      // Safe to send again: NOSCRIPT is the answer of a server that has run nothing.
      return await this.#send(connection, 'eval', this.source, keys, args);
    } catch (error) {
      throw classify(error, this.name);
    }
  }

  /**
   * Runs the script with its keys and arguments by name.
   *
   * @throws as `run`
   */
  call(
    connection: Redis,
    input: { keys: Named<K, string>; args: Named<A, RedisArg> },
  ): Promise<unknown> {
    const keys = inOrder(this.keyNames, input.keys as Readonly<Record<string, string>>);
    const args = inOrder(this.argNames, input.args as Readonly<Record<string, RedisArg>>);
    return this.run(connection, keys, args);
  }

  /**
   * Makes the script known to the server, so that the first call needs no second round trip.
   *
   * @throws as `run`
   */
  async load(connection: Redis): Promise<void> {
    if (connection.status !== 'ready') throw disconnected(this.name);
    try {
      await connection.script('LOAD', this.source);
    } catch (error) {
      throw classify(error, this.name);
    }
  }

  #send(
    connection: Redis,
    command: 'evalsha' | 'eval',
    script: string,
    keys: readonly string[],
    args: readonly RedisArg[],
  ): Promise<unknown> {
    // ioredis flattens the two lists into the command's own; a spread here would be one more copy.
    const parts = [script, keys.length, keys, args] as never;
    const message = new Command(command, parts, this.#commandOptions);
    return connection.sendCommand(message) as Promise<unknown>;
  }
}

/**
 * Reads a .lua file and checks its header against the declaration and against what the script uses.
 *
 * @throws Error naming the file and what does not agree
 */
export function defineScript<const K extends string, const A extends string>(
  declaration: ScriptDeclaration<K, A>,
): Script<K, A> {
  const { name, file, keys, args, reply } = declaration;
  const source = readFileSync(file, 'utf8');
  try {
    const header = parseScriptHeader(source);
    if (header.name !== name) throw new Error(`is "${header.name}", but is declared as "${name}"`);
    checkSame('KEYS', header.keys, keys);
    checkSame('ARGV', header.args, args);
    checkScriptUse(header);
  } catch (error) {
    throw new Error(`The script ${file} ${(error as Error).message}.`, { cause: error });
  }
  return new Script(name, source, keys, args, reply);
}

function checkSame(table: string, header: readonly string[], declared: readonly string[]): void {
  if (header.join(' ') === declared.join(' ')) return;
  throw new Error(
    `has ${table} "${header.join(' ')}", but is declared with "${declared.join(' ')}"`,
  );
}

function inOrder<V>(names: readonly string[], values: Readonly<Record<string, V>>): V[] {
  const result: V[] = [];
  for (const name of names) {
    if (name.endsWith(variadicMark)) {
      result.push(...(values[name.slice(0, -1)] as unknown as readonly V[]));
    } else {
      result.push(values[name] as V);
    }
  }
  return result;
}
