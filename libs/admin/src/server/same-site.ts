import type { IncomingMessage } from 'node:http';
import { Problem } from '../http/problems';
import { isLoopback } from '../options';

const unsafe = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/**
 * Refuses what a browser sends on behalf of another site: it may have an address or a key that the
 * site does not have.
 *
 * @param options.isOpen nobody needs a key, so the host that is asked for has to be this machine:
 *   a name of the other site may lead here
 * @throws Problem
 */
export function checkSite(request: IncomingMessage, { isOpen }: { isOpen: boolean }): void {
  const { host = '', origin } = request.headers;
  if (isOpen && !isLoopback(hostName(host))) {
    const detail = `Ask for localhost and not for '${host}', or set up an API key.`;
    throw new Problem('foreign-origin', detail);
  }
  if (!unsafe.has(request.method ?? '')) return;
  const site = request.headers['sec-fetch-site'];
  const isForeign =
    site === undefined ? isOther(origin, host) : !/^(same-origin|none)$/.test(`${site}`);
  if (!isForeign) return;
  throw new Problem('foreign-origin', 'Pages of other sites may not change anything here.');
}

/** `localhost:8080` is at `localhost`, `[::1]:8080` at `::1`. */
function hostName(host: string): string {
  return host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
}

function isOther(origin: string | undefined, host: string): boolean {
  if (origin === undefined) return false;
  return origin.replace(/^https?:\/\//, '') !== host;
}
