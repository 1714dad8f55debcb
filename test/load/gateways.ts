import { fork } from 'node:child_process';
import { ended } from './servers';

/** What is run as a gateway. */
export interface GatewayProgram {
  entry: string;
  nodeFlags: string[];
}

/** A gateway process of the bench. */
export interface GatewayProcess {
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

/**
 * Starts a gateway on a free port. Without admin endpoints and worker: these are loaded once it
 * serves, and that may take longer than a quick scenario.
 *
 * @param settings further ones, by their environment variables
 * @throws Error when it ends before it serves
 */
export async function startGateway(
  { entry, nodeFlags }: GatewayProgram,
  url: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<GatewayProcess> {
  const without = { SLUICE_ADMIN: 'false', SLUICE_WORKER: 'false' };
  const own = { REDIS_URL: url, SLUICE_PORT: '0', SLUICE_LOG_LEVEL: 'error' };
  const child = fork(entry, {
    env: { ...process.env, ...own, ...without, ...settings },
    execArgv: nodeFlags,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message: { port: number }) => resolve(message.port));
    child.once('exit', (code) => reject(new Error(`the gateway ended with status ${code}`)));
  });
  return { port, pid: child.pid!, stop: () => ended(child) };
}
