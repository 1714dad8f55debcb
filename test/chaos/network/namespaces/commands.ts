import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Runs one of the programs that set networks up, and gives what it printed. Ctrl-C in a terminal
 * does not end it: what it has begun to repair is repaired.
 *
 * @param input what it reads
 * @throws Error with its words when it refuses
 */
export async function run(command: readonly string[], input = ''): Promise<string> {
  const [program, ...args] = command;
  const child = spawn(program!, args, { detached: true });
  let output = '';
  let complaint = '';
  child.stdout.on('data', (text) => (output += String(text)));
  child.stderr.on('data', (text) => (complaint += String(text)));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${command.join(' ')}: ${complaint.trim() || `code ${code}`}`);
  return output;
}

/** Runs lines of `ip` in a namespace; null: in that of this process. */
export async function runIp(namespace: string | null, lines: readonly string[]): Promise<void> {
  const where = namespace === null ? [] : ['-n', namespace];
  await run(['ip', ...where, '-batch', '-'], `${lines.join('\n')}\n`);
}
