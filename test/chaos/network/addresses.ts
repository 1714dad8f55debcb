import type { Rewrite } from './fault-proxy';

const host = '127.0.0.1';
/** A port behind our host: of SENTINEL (two strings), of CLUSTER SLOTS (a number), of MOVED. */
const address = /127\.0\.0\.1(\r\n\$5\r\n|\r\n:|:)(\d{5})(?!\d)/g;

/**
 * Translates the addresses that servers tell, by port, as NAT does with a protocol that it knows:
 * whoever stands behind it finds each server at an address of its own. Ports have five digits, so
 * that no length changes.
 */
export function translate(ports: ReadonlyMap<number, number>): Rewrite {
  return (bytes) => {
    if (!bytes.includes(host)) return bytes;
    const text = bytes.toString('latin1');
    const told = text.replace(address, (all, between: string, port: string) => {
      const own = ports.get(Number(port));
      return own === undefined ? all : `${host}${between}${own}`;
    });
    return Buffer.from(told, 'latin1');
  };
}
