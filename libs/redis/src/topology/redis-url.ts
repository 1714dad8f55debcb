import { RedisStartError } from '../errors';
import type { Address } from './place';

/** What a Redis consists of, as its URL says. */
export type TopologyOptions =
  | { kind: 'single' }
  | { kind: 'sentinel'; sentinels: readonly Address[]; masterName: string; login: SentinelLogin }
  | { kind: 'cluster'; nodes: readonly Address[] };

/** How the Sentinels themselves are spoken to. */
export interface SentinelLogin {
  username: string | undefined;
  password: string | undefined;
  isSecure: boolean;
}

/** A Redis URL, read. */
export interface RedisUrl {
  /** The URL without any password, for messages. */
  label: string;
  /** The server of a single one; else the first that is named. */
  address: Address;
  username: string | undefined;
  password: string | undefined;
  db: number;
  isSecure: boolean;
  topology: TopologyOptions;
}

const forms = [
  'redis://[user:password@]host[:port][/database]',
  'redis+sentinel://[user:password@]host[:port],…/master name[/database]',
  'redis+cluster://[user:password@]host[:port],…',
].join(', ');

const urlParts =
  /^(rediss?)\+(sentinel|cluster):\/\/(?:([^@/?#]*)@)?([^/?#@]+)(\/[^?#]*)?(\?.*)?$/i;
const sentinelPort = 26_379;
const redisPort = 6_379;

/**
 * Reads a Redis URL of any form.
 *
 * @throws RedisStartError 'invalid-options', without any password in it
 */
export function parseRedisUrl(text: string): RedisUrl {
  if (!/^rediss?\+/i.test(text)) return parseSingle(text);
  const parts = urlParts.exec(text);
  if (parts === null) throw invalidUrl('The Redis URL cannot be read.');
  const [, scheme = '', kind = '', login = '', hosts = '', path = '', query = ''] = parts;
  const isSecure = scheme.toLowerCase() === 'rediss';
  const [user = '', ...password] = login.split(':');
  const common = { username: decoded(user), password: decoded(password.join(':')), isSecure };
  const rest = { ...common, hosts, path, query };
  const url = kind.toLowerCase() === 'sentinel' ? ofSentinels(rest) : ofCluster(rest);
  return { ...url, label: `${scheme.toLowerCase()}+${kind.toLowerCase()}://${hosts}${path}` };
}

interface Parts {
  username: string | undefined;
  password: string | undefined;
  isSecure: boolean;
  hosts: string;
  path: string;
  query: string;
}

function ofSentinels({ hosts, path, query, ...common }: Parts): Omit<RedisUrl, 'label'> {
  const sentinels = addressesOf(hosts, sentinelPort);
  const [, name = '', database = '', ...more] = path.split('/');
  const masterName = decoded(name);
  if (masterName === undefined || more.length > 0) {
    const problem = 'The Redis URL must name, behind the Sentinels, the master that they watch';
    throw invalidUrl(`${problem}, and at most a database behind it.`);
  }
  const login = sentinelLogin(query, common.isSecure);
  const topology = { kind: 'sentinel', sentinels, masterName, login } as const;
  return { ...common, address: sentinels[0]!, db: databaseOf(database), topology };
}

function ofCluster({ hosts, path, query, ...common }: Parts): Omit<RedisUrl, 'label'> {
  if (query !== '') throw invalidUrl(noMeaning);
  if (!/^\/?0?$/.test(path)) {
    throw invalidUrl('A Redis Cluster has no databases but 0, so its URL ends with its nodes.');
  }
  const nodes = addressesOf(hosts, redisPort);
  return { ...common, address: nodes[0]!, db: 0, topology: { kind: 'cluster', nodes } };
}

const noMeaning = 'The Redis URL has a part behind ? or #, which has no meaning here.';

/** The Sentinels have users and passwords of their own, and TLS unless it is said otherwise. */
function sentinelLogin(query: string, isSecure: boolean): SentinelLogin {
  const login: SentinelLogin = { username: undefined, password: undefined, isSecure };
  for (const part of query.slice(1).split('&')) {
    if (part === '') continue;
    const [name = '', ...value] = part.split('=');
    const text = decoded(value.join('='));
    if (name === 'sentinel-user') login.username = text;
    else if (name === 'sentinel-password') login.password = text;
    else if (name === 'sentinel-tls' && /^(yes|no)$/.test(text ?? '')) {
      login.isSecure = text === 'yes';
    } else {
      const known = 'sentinel-user, sentinel-password and sentinel-tls (yes or no)';
      throw invalidUrl(`The Redis URL may have ${known} behind the ?, and nothing else.`);
    }
  }
  return login;
}

/** `host:port,host:port`, where a port may be left out, and IPv6 stands in brackets. */
function addressesOf(hosts: string, port: number): Address[] {
  return hosts.split(',').map((text) => {
    const [, host = '', given = ''] =
      /^(\[[0-9a-f:.]+\]|[^[\]:\s]+)(?::(\d{1,5}))?$/i.exec(text) ?? [];
    if (host === '' || Number(given) > 65_535) {
      throw invalidUrl(`The Redis URL names "${text}" where a host and a port should be.`);
    }
    return { host: host.replace(/^\[|\]$/g, ''), port: given === '' ? port : Number(given) };
  });
}

function parseSingle(text: string): RedisUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    // The text may hold a password, so it is not repeated.
    throw invalidUrl('The Redis URL cannot be read.');
  }
  const { protocol, hostname, host, pathname, search, hash } = url;
  if (protocol !== 'redis:' && protocol !== 'rediss:') {
    throw invalidUrl(`The Redis URL begins with "${protocol}//", which is not known.`);
  }
  if (hostname === '') throw invalidUrl('The Redis URL names no host.');
  // Nothing may follow the database: a `?db=2` or `?tls=true` would have no effect.
  if (search !== '' || hash !== '') throw invalidUrl(noMeaning);
  const db = databaseOf(pathname.slice(1));
  const port = url.port === '' ? redisPort : Number(url.port);
  return {
    label: `${protocol}//${host}${db === 0 ? '' : `/${db}`}`,
    address: { host: hostname.replace(/^\[|\]$/g, ''), port },
    username: decoded(url.username),
    password: decoded(url.password),
    db,
    isSecure: protocol === 'rediss:',
    topology: { kind: 'single' },
  };
}

function databaseOf(text: string): number {
  if (/^\d{0,9}$/.test(text)) return Number(text);
  throw invalidUrl(`The database in the Redis URL must be a number, not "${text}".`);
}

function decoded(part: string): string | undefined {
  try {
    return part === '' ? undefined : decodeURIComponent(part);
  } catch {
    throw invalidUrl('The Redis URL has a % that encodes nothing; write it as %25.');
  }
}

/** With the forms that a URL may have. */
function invalidUrl(message: string): RedisStartError {
  const forTls = 'each with rediss in place of redis for TLS';
  return new RedisStartError('invalid-options', `${message}\nExpected: ${forms}; ${forTls}.`);
}
