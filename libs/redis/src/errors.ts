/** Why Redis did not execute a command. */
export type UnavailableReason =
  | 'disconnected' // no usable connection; the command was not sent
  | 'out-of-memory' // maxmemory is reached and the command needs memory
  | 'misconfigured' // MISCONF: Redis cannot write to its disk and refuses writes
  | 'read-only' // the server is a replica
  | 'no-replicas' // fewer good replicas than min-replicas-to-write
  | 'moved' // the key's slot is being moved, or nobody serves it now (Redis Cluster)
  | 'loading' // the server is still reading its data from disk
  | 'recovering' // it came back and is looked at before it is used; see `Admission`
  | 'newer-format' // it was stored by a newer version of Sluice
  | 'emptied' // it does not have the data that it had
  | 'busy' // a script has run for too long, and blocks everything else
  | 'denied'; // the password or the rights of the user are not (or no longer) good enough

/** The command was definitely NOT executed. Trying again later is safe. */
export class RedisUnavailable extends Error {
  override readonly name = 'RedisUnavailable';

  constructor(
    readonly reason: UnavailableReason,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The command may or may not have been executed, or a script only in part: no reply came, or one
 * that does not say how far it got.
 */
export class UnknownOutcome extends Error {
  override readonly name = 'UnknownOutcome';
  /** Redis has answered, but not so that one could tell. */
  readonly isAnswered: boolean;

  /**
   * @param what the command or script, as `log/append`
   * @param because what of Redis' answer leaves it open; without it: that no answer came
   */
  constructor(
    readonly what: string,
    options?: ErrorOptions,
    because?: string,
  ) {
    const noReply = 'sent to Redis, but no reply came; it may or may not have been executed';
    super(`${what}: ${because ?? noReply}`, options);
    this.isAnswered = because !== undefined;
  }
}

/**
 * Redis answered with an error that no retry will cure: a mistake in a script or a command. Nothing
 * was written.
 */
export class RedisReplyError extends Error {
  override readonly name = 'RedisReplyError';

  /** @param code the reply's first word, as `WRONGTYPE` or `ERR` */
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** What kept `RedisLink.connect` from succeeding. */
export type StartProblem =
  | 'invalid-options'
  | 'unsupported-set-up'
  | 'unreachable'
  | 'no-master' // the Sentinels watch no master of that name
  | 'password-needed'
  | 'password-wrong'
  | 'no-database'
  | 'protected-mode'
  | 'not-redis'
  | 'loading'
  | 'version'
  | 'eviction'
  | 'replica'
  | 'emptied'
  | 'newer-format'
  | 'rights'
  | 'closed';

/** Redis cannot be used as it is. The message has several lines: what is wrong, and what to do. */
export class RedisStartError extends Error {
  override readonly name = 'RedisStartError';

  constructor(
    readonly problem: StartProblem,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const reasonByCode: ReadonlyMap<string, UnavailableReason> = new Map<string, UnavailableReason>([
  ['OOM', 'out-of-memory'],
  ['MISCONF', 'misconfigured'],
  ['READONLY', 'read-only'],
  ['MASTERDOWN', 'read-only'],
  ['NOREPLICAS', 'no-replicas'],
  ['LOADING', 'loading'],
  ['BUSY', 'busy'],
  ['MOVED', 'moved'],
  ['ASK', 'moved'],
  ['TRYAGAIN', 'moved'],
  ['CLUSTERDOWN', 'moved'],
  ['NOAUTH', 'denied'],
  ['NOPERM', 'denied'],
  ['WRONGPASS', 'denied'],
]);

// What ioredis says when it could not even hand the command to a socket (options: no offline
// queue).
const notWritable = "Stream isn't writeable and enableOfflineQueue options is false";

// The errors of a connection that broke while replies were outstanding. They are told by name and
// not by class, because errors of Node's own modules come from another realm under Jest.
const brokenConnectionNames = new Set(['Error', 'AbortError', 'MaxRetriesPerRequestError']);

/** True for an error that Redis itself sent as a reply. */
export function isErrorReply(error: unknown): error is Error {
  return (error as Error | undefined)?.name === 'ReplyError';
}

/**
 * Tells what an error of a Redis command means: not executed (`RedisUnavailable`), perhaps executed
 * (`UnknownOutcome`), or executed and refused by Redis (`RedisReplyError`). Errors that are not of
 * Redis are given back as they are. When in doubt the answer is `UnknownOutcome`. For scripts there
 * is `Script.classify`.
 *
 * @param what the command, for the message
 */
export function classify(error: unknown, what = 'a command'): Error {
  if (error instanceof RedisUnavailable || error instanceof UnknownOutcome) return error;
  if (isErrorReply(error)) return classifyReply(error.message, what);
  if (typeof error !== 'object' || error === null || !('message' in error)) {
    return new Error(`${what}: ${String(error)}`);
  }
  const failure = error as Error;
  if (failure.message === notWritable) return disconnected(what);
  const broken =
    brokenConnectionNames.has(failure.name) || failure.message.endsWith('report this.');
  if (!broken) return failure;
  // An aborted pipeline's error carries the command with all its bytes; those must not be kept
  // alive.
  return new UnknownOutcome(what, 'command' in failure ? undefined : { cause: failure });
}

/** True for an error of a connection that broke, or was not there. */
export function isConnectionLoss(error: unknown): boolean {
  if (error instanceof RedisUnavailable) return error.reason === 'disconnected';
  return error instanceof UnknownOutcome && !error.isAnswered;
}

/** The error for a command that is not sent because its connection is not usable now. */
export function disconnected(what: string): RedisUnavailable {
  return new RedisUnavailable(
    'disconnected',
    `${what}: not sent, there is no connection to Redis now`,
  );
}

/**
 * Awaits a Redis command and classifies its failure.
 *
 * @throws RedisUnavailable | UnknownOutcome | RedisReplyError as `classify` tells
 */
export async function attempt<T>(what: string, command: Promise<T>): Promise<T> {
  try {
    return await command;
  } catch (error) {
    throw classify(error, what);
  }
}

/**
 * As `classify`, for a script that writes. An error that was raised inside it says nothing of how
 * far it got, with one exception: what the server as a whole refuses, it refuses at the script's
 * first write or not at all. Tried on Redis 7.0 and 8.0 and Valkey 8.1; `scriptVerifyOOM` and
 * `scriptVerifyWriteCommandAllow` in their script.c.
 *
 * @param place puts a line of the script, as Redis counts them, into words
 */
export function classifyScript(
  error: unknown,
  what: string,
  place: (line: number) => string,
): Error {
  if (!isErrorReply(error)) return classify(error, what);
  const { message } = error;
  const inside = insideScript.exec(message);
  const code = codeOf(message);
  const beforeStart = reasonByCode.has(code) || harmlessReplies.test(message);
  if (inside === null ? beforeStart : refusedAtFirstWrite.has(code)) {
    return classifyReply(message, what);
  }
  const text = message.replace(insideScript, '').replace(/\buser_script:(\d+): /, '');
  const at = inside === null ? '' : ` at ${place(Number(inside[1]))}`;
  return new UnknownOutcome(what, undefined, `failed${at}, perhaps after it had written: ${text}`);
}

/** What Redis puts behind an error that was raised inside a script. */
const insideScript = / script: [0-9a-f]{40}, on @user_script:(\d+)\.?$/;
const refusedAtFirstWrite = new Set(['OOM', 'MISCONF', 'READONLY', 'NOREPLICAS']);
/** Errors that come before a script begins. */
const harmlessReplies = /^(?:EXECABORT |ERR unknown command|ERR Error compiling script)/;

function codeOf(message: string): string {
  return message.slice(0, (message.indexOf(' ') + 1 || message.length + 1) - 1);
}

/** A new error each time, because ioredis hangs the command with all its arguments on the reply. */
function classifyReply(message: string, what: string): Error {
  const code = codeOf(message);
  const reason = reasonByCode.get(code);
  return reason === undefined
    ? new RedisReplyError(code, `${what}: ${message}`)
    : new RedisUnavailable(reason, `${what}: refused by Redis: ${message}`);
}
