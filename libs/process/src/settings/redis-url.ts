const form =
  'It must be redis://[[user]:password@]host[:port][/database], where a database is a number, ' +
  'and characters such as @ : / # % ? of a user or a password are percent-encoded';

/**
 * A Redis URL must be one that can be read to its end: host, port, database, and a user and a
 * password without bare special characters. Nothing may follow, for it would have no effect.
 *
 * @returns what is wrong, as the end of a sentence, or undefined
 */
export function redisUrlProblem(url: string): string | undefined {
  try {
    const { hostname, username, password, pathname, search, hash } = new URL(url);
    decodeURIComponent(username + password);
    if (hostname === '' || !/^(\/\d*)?$/.test(pathname)) return `cannot be read. ${form}`;
    const rest = search !== '' || hash !== '';
    return rest ? `has a part behind ? or #, which has no meaning here. ${form}` : undefined;
  } catch {
    return `cannot be read. ${form}`;
  }
}
