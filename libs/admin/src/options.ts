import type { ApiKey } from './keys/api-keys';

/** What the admin endpoints can be told; apps/gateway fills it from its settings. */
export interface AdminOptions {
  /** Address to listen on. */
  host: string;
  /** 0 takes any free port. */
  port: number;
  /** Without any, whoever reaches the port may do everything: then it is a loopback address. */
  keys: readonly ApiKey[];
  /** Of one key, or of one address where there are no keys. */
  requestsPerSecond: number;
}

/** Whether an address leads to this machine alone. */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|::1|0*(:0*){6}:0*1|::ffff:127(\.\d{1,3}){3})$/i.test(host);
}
