import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

/**
 * Compiles the library that notes what a server has synced (power-cut.c).
 *
 * @param file where the library is put
 * @throws Error that says what is missing
 */
export function compilePowerCut(file: string): void {
  if (process.platform !== 'linux') throw new Error('A power cut can be simulated on Linux only.');
  const source = join(__dirname, 'power-cut.c');
  const args = ['-shared', '-fPIC', '-O2', '-o', file, source];
  try {
    execFileSync('cc', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: Buffer };
    if (code !== 'ENOENT') throw new Error(`power-cut.c: ${stderr?.toString()}`, { cause: error });
    const how = 'Debian, Ubuntu: apt-get install gcc libc6-dev';
    throw new Error(`The tests with power cuts need a C compiler (cc). ${how}`, { cause: error });
  }
}

/** What is on the disk for certain: lengths of files, and the names in directories. */
interface Durable {
  /** By inode: how long the file was when its last fsync began. */
  readonly lengths: Map<number, number>;
  /** By inode of a directory: the folder with hard links to the files it had. */
  readonly snapshots: Map<number, string>;
}

/**
 * The disk below a server's data, as a power cut sees it: a file is as long as it was at its last
 * fsync, and a directory has the names that it had at its own. What is there when the server starts
 * counts as synced. Subdirectories themselves are never lost.
 */
export class Disk {
  readonly #library: string;
  readonly #notes: string;

  /**
   * @param data the server's data
   * @param folder on the same file system, for the library and its notes
   */
  constructor(
    private readonly data: string,
    folder: string,
  ) {
    this.#library = join(folder, 'power-cut.so');
    this.#notes = join(folder, 'power-cut');
    compilePowerCut(this.#library);
  }

  /** What the server's environment needs. */
  get env(): Record<string, string> {
    return { LD_PRELOAD: this.#library, POWER_CUT_FOLDER: this.#notes };
  }

  /** To be called before each start of the server. The disk no longer stalls. */
  begin(): void {
    rmSync(this.#notes, { recursive: true, force: true });
    mkdirSync(this.#notes);
    const lines: string[] = [];
    for (const [number, directory] of directoriesBelow(this.data).entries()) {
      const snapshot = `start-${number}`;
      mkdirSync(join(this.#notes, snapshot));
      for (const { name, path, inode, length } of filesOf(directory)) {
        linkSync(path, join(this.#notes, snapshot, name));
        lines.push(`file ${inode} ${length}\n`);
      }
      lines.push(`directory ${statSync(directory).ino} ${snapshot}\n`);
    }
    writeFileSync(join(this.#notes, 'journal'), lines.join(''));
  }

  /** From now on no fsync returns, and what is written is not on the disk. */
  stall(): void {
    writeFileSync(join(this.#notes, 'stalled'), '');
  }

  /** The disk works again: fsyncs that waited are done. */
  resume(): void {
    rmSync(join(this.#notes, 'stalled'), { force: true });
  }

  /** True when a power cut now would take nothing that is in the files. */
  isSynced(): boolean {
    const { lengths } = this.#durable();
    const files = directoriesBelow(this.data).flatMap(filesOf);
    return files.every(({ inode, length }) => length <= (lengths.get(inode) ?? 0));
  }

  /** Takes away what was never synced. The server must have been killed before. */
  cut(): void {
    const { lengths, snapshots } = this.#durable();
    for (const directory of directoriesBelow(this.data)) {
      for (const { path } of filesOf(directory)) rmSync(path);
      const snapshot = snapshots.get(statSync(directory).ino);
      if (snapshot === undefined) continue;
      for (const { name, path, inode, length } of filesOf(join(this.#notes, snapshot))) {
        linkSync(path, join(directory, name));
        truncateSync(path, Math.min(length, lengths.get(inode) ?? 0));
      }
    }
  }

  #durable(): Durable {
    const lengths = new Map<number, number>();
    const snapshots = new Map<number, string>();
    for (const line of readFileSync(join(this.#notes, 'journal'), 'utf8').split('\n')) {
      const [kind, inode, value] = line.split(' ');
      if (kind === 'file') lengths.set(Number(inode), Number(value));
      if (kind === 'directory') snapshots.set(Number(inode), value!);
    }
    return { lengths, snapshots };
  }
}

/** The directory itself and all below it. */
function directoriesBelow(directory: string): string[] {
  const entries = readdirSync(directory, { withFileTypes: true });
  const inner = entries.filter((entry) => entry.isDirectory());
  return [directory, ...inner.flatMap(({ name }) => directoriesBelow(join(directory, name)))];
}

function filesOf(directory: string) {
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ name }) => {
      const path = join(directory, name);
      const { ino: inode, size: length } = statSync(path);
      return { name, path, inode, length };
    });
}
