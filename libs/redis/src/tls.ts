import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';

/**
 * The TLS settings for one server: it is asked for by its name, where it has one and the settings
 * give no other.
 */
export function tlsTo(host: string, tls: ConnectionOptions): ConnectionOptions {
  return isIP(host) === 0 ? { servername: host, ...tls } : { ...tls };
}
