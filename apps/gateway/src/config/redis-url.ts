import { ValidateBy } from 'class-validator';

/**
 * A Redis URL must be one that can be read to its end: host, port, database, and a user and a
 * password without bare special characters. What does not begin as one is another rule's to refuse.
 */
export function ReadableRedisUrl(): PropertyDecorator {
  return ValidateBy({
    name: 'readableRedisUrl',
    validator: {
      validate: (value: unknown) =>
        typeof value !== 'string' || !value.includes('://') || isReadable(value),
      defaultMessage: () =>
        'cannot be read. It must be redis://[[user]:password@]host[:port][/database], where a ' +
        'database is a number, and characters such as @ : / # % of a user or a password are ' +
        'percent-encoded',
    },
  });
}

function isReadable(text: string): boolean {
  try {
    const { hostname, username, password, pathname } = new URL(text);
    decodeURIComponent(username + password);
    return hostname !== '' && /^(\/\d*)?$/.test(pathname);
  } catch {
    return false;
  }
}
