import { spawn } from 'node:child_process';
import { Member, type MemberOptions } from './member';
import type { SeenRecord } from './seen-record';

const timeoutMsDefault = 45_000;

/** What a run of kcat has left behind. */
export interface KcatResult {
  code: number | null;
  stdout: Buffer;
  stderr: string;
}

/** Runs kcat to its end; resolves whatever its exit code is, throws when it takes too long. */
export function runKcat(
  port: number,
  args: readonly string[],
  input: Buffer | string = '',
  timeoutMs: number = timeoutMsDefault,
): Promise<KcatResult> {
  // Asked to end it leaves unsent what it has, and its exit code is that of a success.
  const ends = { timeout: timeoutMs, killSignal: 'SIGKILL' } as const;
  const child = spawn('kcat', ['-b', `127.0.0.1:${port}`, ...args], ends);
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
  // A kcat that has ended already does not read its input.
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const said = Buffer.concat(stderr).toString();
      if (signal !== null) reject(new Error(`kcat ${args.join(' ')}: ${signal}\n${said}`));
      else resolve({ code, stdout: Buffer.concat(stdout), stderr: said });
    });
  });
}

/** Runs kcat and expects it to succeed. */
export async function kcat(
  port: number,
  args: readonly string[],
  input: Buffer | string = '',
): Promise<string> {
  const { code, stdout, stderr } = await runKcat(port, args, input);
  if (code !== 0) throw new Error(`kcat ${args.join(' ')}: exit code ${code}\n${stderr}`);
  return stdout.toString();
}

/**
 * The form in which `parseRecords` reads what kcat prints: a line about each record, then the bytes
 * of its key and its value, which may hold anything.
 */
const recordFormat = '%p %o %T %K %S %h\\n%k%s\\n';

/** Reads records with kcat: `args` say from where and how many. */
export async function readWithKcat(
  port: number,
  topic: string,
  args: readonly string[],
): Promise<SeenRecord[]> {
  const fixed = ['-C', '-q', '-t', topic, '-f', recordFormat, '-X', 'fetch.wait.max.ms=100'];
  const { code, stdout, stderr } = await runKcat(port, [...fixed, ...args]);
  if (code !== 0) throw new Error(`kcat ${args.join(' ')}: exit code ${code}\n${stderr}`);
  return parseRecords(stdout);
}

function parseRecords(output: Buffer): SeenRecord[] {
  const records: SeenRecord[] = [];
  let at = 0;
  const take = (bytes: number): string | null => {
    if (bytes < 0) return null;
    const text = output.toString('latin1', at, at + bytes);
    at += bytes;
    return text;
  };
  while (at < output.length) {
    const line = take(output.indexOf('\n', at) - at) ?? '';
    at += 1;
    const [partition, offset, timestampMs, keyBytes, valueBytes] = line.split(' ').map(Number);
    const headers = line.split(' ').slice(5).join(' ');
    const key = take(keyBytes ?? -1);
    const value = take(valueBytes ?? -1);
    at += 1;
    records.push({
      partition: partition ?? -1,
      offset: offset ?? -1,
      timestampMs: timestampMs ?? -1,
      key,
      value,
      headers: headers === '' ? [] : headers.split(',').map(parseHeader),
    });
  }
  return records;
}

function parseHeader(text: string): SeenRecord['headers'][number] {
  const at = text.indexOf('=');
  const value = text.slice(at + 1);
  // kcat prints NULL where a header has no value.
  return [text.slice(0, at), value === 'NULL' ? null : value];
}

/** kcat as a member of a group. */
export function kcatMember({ port, groupId, topic, sessionTimeoutMs }: MemberOptions): Member {
  const settings = {
    'session.timeout.ms': sessionTimeoutMs,
    'heartbeat.interval.ms': 200,
    'auto.commit.interval.ms': 200,
    'auto.offset.reset': 'earliest',
    'fetch.wait.max.ms': 100,
    'reconnect.backoff.ms': 50,
    'reconnect.backoff.max.ms': 500,
  };
  const options = Object.entries(settings).flatMap(([name, value]) => ['-X', `${name}=${value}`]);
  // -E: go on when no broker answers for a while.
  const output = ['-E', '-u', '-f', '{"partition":%p,"offset":%o,"value":"%s"}\\n'];
  const broker = ['-b', `127.0.0.1:${port}`];
  const group = ['-G', groupId, topic];
  return new Member(['kcat', ...broker, ...options, ...output, ...group], (line) => {
    if (line.startsWith('{')) return { record: JSON.parse(line) };
    if (!/^% Group .* rebalanced/.test(line)) return {};
    if (!line.includes('assigned')) return { partitions: null };
    const numbers = [...line.matchAll(/\[(\d+)\]/g)].map((match) => Number(match[1]));
    return { partitions: numbers };
  });
}
