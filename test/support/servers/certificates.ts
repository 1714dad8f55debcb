import { join } from 'node:path';

/** Certificates, and what they are trusted by. */
export interface TestCertificates {
  cert: string;
  key: string;
  ca: string;
}

/** Those of the set-up `tls`; undefined in the others. */
export function certificates(): TestCertificates | undefined {
  const folder = process.env['SLUICE_TEST_TLS'];
  if (folder === undefined) return undefined;
  const file = (name: string): string => join(folder, name);
  return { cert: file('server.crt'), key: file('server.key'), ca: file('ca.crt') };
}

/** Arguments for a server that speaks TLS on a port of its own, with its replicas too. */
export function tlsArgs({ cert, key, ca }: TestCertificates, port: number): string[] {
  const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', ca];
  const ways = ['--tls-auth-clients', 'no', '--tls-replication', 'yes'];
  return [...files, ...ways, '--tls-port', String(port)];
}
