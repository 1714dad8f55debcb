const forms =
  'It must be redis://[[user]:password@]host[:port][/database], where a database is a number, ' +
  'redis+sentinel://[[user]:password@]host[:port],…/master name[/database] or ' +
  'redis+cluster://[[user]:password@]host[:port],…; ' +
  'characters such as @ : / # % ? of a user or a password are percent-encoded';

/** A user and a password, hosts with or without ports, and what is behind them. */
const ofSeveral =
  /^rediss?\+(sentinel|cluster):\/\/(?:([^@/?#]*)@)?([^/?#@\s]+)(\/[^?#\s]*)?(\?.*)?$/;

/**
 * A Redis URL must be one that can be read to its end: hosts, ports, database, and a user and a
 * password without bare special characters. Nothing may follow that would have no effect.
 *
 * @returns what is wrong, as the end of a sentence, or undefined
 */
export function redisUrlProblem(url: string): string | undefined {
  try {
    if (/^rediss?\+/.test(url)) return problemOfSeveral(url);
    const { hostname, username, password, pathname, search, hash } = new URL(url);
    decodeURIComponent(username + password);
    if (hostname === '' || !/^(\/\d*)?$/.test(pathname)) return `cannot be read. ${forms}`;
    const rest = search !== '' || hash !== '';
    return rest ? `has a part behind ? or #, which has no meaning here. ${forms}` : undefined;
  } catch {
    return `cannot be read. ${forms}`;
  }
}

function problemOfSeveral(url: string): string | undefined {
  const [whole, kind, login = '', , path = '', query = ''] = ofSeveral.exec(url) ?? [];
  if (whole === undefined) return `cannot be read. ${forms}`;
  decodeURIComponent(login + path + query);
  if (kind === 'cluster') {
    const isPlain = query === '' && /^\/?0?$/.test(path);
    return isPlain ? undefined : `has a part behind its nodes, which has no meaning. ${forms}`;
  }
  if (/^\/[^/]+(\/\d*)?$/.test(path)) return undefined;
  return `names no master behind its Sentinels. ${forms}`;
}
