import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { eventually } from './eventually';

/** A record that a member has read. */
export interface ReadRecord {
  partition: number;
  offset: number;
  value: string | null;
}

/** What a member needs to know to join. */
export interface MemberOptions {
  port: number;
  groupId: string;
  topic: string;
  sessionTimeoutMs: number;
}

/** What one line of a member's output says, if it says anything. */
export interface MemberLine {
  partitions?: number[] | null;
  record?: ReadRecord;
}

const linesKeptMax = 30;

/**
 * A member of a consumer group in a process of its own, so that it can die as processes do.
 */
export class Member {
  /** What it was given; null while it has no place in the group. */
  partitions: number[] | null = null;
  /** All that it has read, in the order in which it did. */
  readonly read: ReadRecord[] = [];
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  /** The latest lines of its output, for a failure's message. */
  readonly #lines: string[] = [];

  /**
   * @param command the program and its arguments
   * @param parse reads one line of its output
   */
  constructor(
    readonly command: readonly string[],
    parse: (line: string) => MemberLine,
  ) {
    const [file = '', ...args] = command;
    this.#child = spawn(file, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#ended = new Promise((resolve) => this.#child.once('close', () => resolve()));
    for (const input of [this.#child.stdout!, this.#child.stderr!]) {
      createInterface({ input }).on('line', (line) => this.#take(line, parse));
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Waits until it has a place in the group. */
  async joined(): Promise<void> {
    await eventually(() => this.partitions !== null).catch((cause: unknown) => {
      throw new Error(String(this), { cause });
    });
  }

  /** Leaves the group in order. */
  async leave(): Promise<void> {
    this.#child.kill('SIGTERM');
    await this.#ended;
    this.partitions = null;
  }

  /** Dies: no LeaveGroup, no commit. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
    this.partitions = null;
  }

  /** Its latest output. */
  toString(): string {
    return [`${this.command.join(' ')}: ${JSON.stringify(this.partitions)}`, ...this.#lines].join(
      '\n  ',
    );
  }

  #take(line: string, parse: (line: string) => MemberLine): void {
    this.#lines.push(line);
    if (this.#lines.length > linesKeptMax) this.#lines.shift();
    const { partitions, record } = parse(line);
    if (partitions !== undefined) this.partitions = partitions;
    if (record !== undefined) this.read.push(record);
  }
}

/** A member that runs one of the scripts in `test/clients/members`. */
export function scriptMember(script: string, options: MemberOptions): Member {
  const { port, groupId, topic, sessionTimeoutMs } = options;
  const file = join(__dirname, '../clients/members', `${script}.mjs`);
  const args = [String(port), groupId, topic, String(sessionTimeoutMs)];
  return new Member([process.execPath, file, ...args], (line) =>
    line.startsWith('{') ? (JSON.parse(line) as MemberLine) : {},
  );
}

/** Waits until each value was read by one of the members at least. */
export function allRead(written: readonly string[], members: readonly Member[]): Promise<unknown> {
  return eventually(() => missing(written, members).length === 0).catch(() => {
    throw new Error(`never read: ${missing(written, members).join(' ')}\n${members.join('\n')}`);
  });
}

function missing(written: readonly string[], members: readonly Member[]): string[] {
  const read = new Set(members.flatMap((member) => member.read.map(({ value }) => value)));
  return written.filter((value) => !read.has(value));
}
