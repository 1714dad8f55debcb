import { RedisStartError, type StartProblem } from './errors';
import { addressText, type Address } from './topology/place';

/** What the first connection met: its last error, or none in all that time. */
export interface ConnectFailure {
  label: string;
  /** The one of several servers that it is about; null: there is one, or nobody could tell. */
  server?: Address | null;
  error: Error | null;
  timeoutMs: number;
  /** Others say where it is, and it was waited for that it is there, or that another takes over. */
  hasFailover?: boolean;
}

const explanations: readonly { test: RegExp; problem: StartProblem; lines: readonly string[] }[] = [
  {
    test: /^NOAUTH/,
    problem: 'password-needed',
    lines: ['It wants a password, and none was given.', 'Use redis://:password@host:port.'],
  },
  {
    test: /^WRONGPASS|invalid (username-password|password)/,
    problem: 'password-wrong',
    lines: [
      'It refuses the user name or the password.',
      'Check both in REDIS_URL; characters such as @ : / # % must be percent-encoded in a URL.',
    ],
  },
  {
    test: /^DENIED/,
    problem: 'protected-mode',
    lines: [
      'It is in protected mode: without a password it serves its own machine only.',
      'Set a password in Redis (requirepass) and use redis://:password@host:port,',
      'or, in a network where only you can reach it, set protected-mode no.',
    ],
  },
  {
    test: /unknown command/,
    problem: 'rights',
    lines: [
      'It does not have this command, or has it under another name.',
      'Sluice needs it as it is: look for rename-command in redis.conf.',
    ],
  },
  {
    test: /\bNOPERM\b/,
    problem: 'rights',
    lines: [
      'The user of REDIS_URL lacks a right that Sluice needs.',
      'docs/redis.md has the line ACL SETUSER that gives a user all of them.',
    ],
  },
  {
    test: /SELECT is not allowed in cluster mode/,
    problem: 'unsupported-set-up',
    lines: [
      'It is a node of a Redis Cluster, which has no databases but 0.',
      'Use redis+cluster://host:port,… with the addresses of some nodes.',
    ],
  },
  {
    test: /DB index/,
    problem: 'no-database',
    lines: [
      'It has no database of that number; the setting "databases" of Redis says how many it has.',
      'Give a lower number, or none, at the end of REDIS_URL.',
    ],
  },
  {
    test: /report this|Protocol error|wrong version number|SSL routines/,
    problem: 'not-redis',
    lines: [
      'Something answers there, but not as Redis does.',
      'Check the port, and whether the server wants TLS (rediss://) or no TLS (redis://).',
    ],
  },
  {
    test: /certificate/i,
    problem: 'not-redis',
    lines: [
      'Its TLS certificate is not trusted.',
      'Give the certificate authority that signed it in the TLS settings.',
    ],
  },
  {
    test: /ECONNRESET|no answer in/,
    problem: 'unreachable',
    lines: [
      'Is it Redis that listens there, and not frozen?',
      'A server that wants TLS needs rediss:// in the URL, and one without TLS redis://.',
    ],
  },
  {
    test: /^LOADING/,
    problem: 'loading',
    lines: ['It is still reading its data from disk.', 'Wait until it is done, and start again.'],
  },
];

/** What more attempts may cure. */
export const curedByTime: readonly StartProblem[] = ['loading', 'unreachable'];

/** Which problem an error's message tells of; where it is not known, nobody was reached. */
export function startProblemOf(message: string): StartProblem {
  return explanations.find(({ test }) => test.test(message))?.problem ?? 'unreachable';
}

/** True for a failure that more attempts will not cure. */
export function isHopeless(error: Error): boolean {
  if (error instanceof RedisStartError) return !curedByTime.includes(error.problem);
  return !curedByTime.includes(startProblemOf(error.message));
}

const failoverAdvice =
  'Are there replicas, do enough Sentinels or primaries run to agree on a new primary, and can ' +
  'this machine reach the addresses that they tell?';

/** Puts into words why the first connection could not be made, and what to do about it. */
export function explainConnectFailure(failure: ConnectFailure): RedisStartError {
  const { label, server = null, error, timeoutMs, hasFailover = false } = failure;
  // Whoever was to find the server has said all.
  if (error instanceof RedisStartError) return error;
  const text = error?.message ?? `no answer in ${timeoutMs} ms`;
  const known = explanations.find(({ test }) => test.test(text));
  const where = server === null ? `-u ${label}` : `-h ${server.host} -p ${server.port}`;
  const lines = known?.lines ?? [
    'Is Redis running there, and does a firewall let the connection through?',
    `Try: redis-cli ${where} ping`,
  ];
  const waited = `Its primary could not be used for ${timeoutMs} ms, and no other took its place.`;
  const told = hasFailover ? [waited, failoverAdvice] : lines;
  const redis = `Redis at ${label}`;
  const who = server === null ? redis : `The server ${addressText(server)} of ${redis}`;
  return new RedisStartError(
    known?.problem ?? 'unreachable',
    [`${who} cannot be reached: ${text}`, ...told].join('\n'),
    error === null ? undefined : { cause: error },
  );
}
