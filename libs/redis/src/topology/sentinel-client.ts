import { AskedServer, type AskedTerms } from './asked-server';
import type { Address } from './place';

/** What a Sentinel knows of a master. */
export type SentinelAnswer =
  | { tag: 'primary'; address: Address }
  /** It watches others, which are named. */
  | { tag: 'unknown-master'; known: readonly string[] }
  | { tag: 'problem'; problem: string };

/** Asks one Sentinel. */
export class SentinelClient {
  readonly #server: AskedServer;

  constructor(address: Address, terms: AskedTerms) {
    this.#server = new AskedServer(address, terms);
  }

  /** As `host:port`. */
  get name(): string {
    return this.#server.name;
  }

  /** Where the primary of this name is. Does not reject. */
  async ask(masterName: string): Promise<SentinelAnswer> {
    try {
      const found = await this.#server.ask('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', masterName);
      if (found !== null) {
        const [host = '', port] = found as string[];
        return { tag: 'primary', address: { host, port: Number(port) } };
      }
      const masters = (await this.#server.ask('SENTINEL', 'MASTERS')) as string[][];
      return { tag: 'unknown-master', known: masters.flatMap(nameOf) };
    } catch (error) {
      return { tag: 'problem', problem: problemOf((error as Error).message) };
    }
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

/** The field of that name, in a flat list of names and values. */
function nameOf(master: readonly string[]): string[] {
  const at = master.indexOf('name');
  return at < 0 ? [] : [master[at + 1] ?? ''];
}

function problemOf(text: string): string {
  if (text.startsWith('NOAUTH')) {
    return 'it wants a password: add ?sentinel-password=… (and sentinel-user=…) to REDIS_URL';
  }
  if (text.startsWith('WRONGPASS')) {
    return 'it refuses the user or the password: look at sentinel-user and sentinel-password';
  }
  if (text.startsWith('NOPERM')) return `its user lacks a right: ${text}`;
  if (/unknown command/i.test(text)) return 'it is a Redis server, and no Sentinel';
  return text;
}
