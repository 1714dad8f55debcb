import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Trouble } from './console.mjs';
import { codeOf, isRunning, processStamp } from './processes.mjs';
import { readIfThere } from './project.mjs';

/**
 * What the file of a lock says: the process that uses the directory, by number and start time, with
 * what others want to know of it.
 * @typedef {import('./processes.mjs').Identity} Identity
 * @typedef {Identity & { kafkaPort?: number, gateways?: Identity[] }} Holder
 */

/** The lock of a data directory: a file that names the process which uses it. */
export class Lock {
  #file;
  #facts;

  /**
   * Takes the lock, or throws a Trouble that names the holder. `left` is what a dead holder wrote.
   * @param {string} directory
   */
  static async take(directory) {
    const file = join(directory, 'sluice.lock');
    const facts = { pid: process.pid, stamp: processStamp(process.pid) };
    /** @type {Holder | undefined} */
    let left;
    for (let attempt = 0; attempt < 10; attempt++) {
      try {
        writeFileSync(file, JSON.stringify(facts), { flag: 'wx' });
        return { lock: new Lock(file, facts), left };
      } catch (error) {
        if (codeOf(error) !== 'EEXIST') throw error;
      }
      const { holder, text } = await readLock(file);
      if (holder !== undefined && isRunning(holder)) throw new Trouble(alreadyRunning(holder));
      left = holder ?? left;
      moveAway(file, text);
    }
    throw new Trouble(`${file} is taken again and again by other processes; try once more.`);
  }

  /**
   * @param {string} file
   * @param {Holder} facts
   */
  constructor(file, facts) {
    this.#file = file;
    this.#facts = facts;
  }

  /**
   * Adds facts about the holder.
   * @param {Partial<Holder>} facts
   */
  tell(facts) {
    this.#facts = { ...this.#facts, ...facts };
    // Renamed into place, so that nobody reads a half-written file.
    const next = `${this.#file}.next`;
    writeFileSync(next, JSON.stringify(this.#facts));
    renameSync(next, this.#file);
  }

  release() {
    rmSync(this.#file, { force: true });
  }
}

/**
 * The lock file may just have been made and still be empty: then it is read again.
 * @param {string} file
 * @returns {Promise<{ text: string | undefined, holder: Holder | undefined }>}
 */
async function readLock(file) {
  let text;
  for (let attempt = 0; attempt < 10; attempt++) {
    text = readIfThere(file);
    if (text === undefined) break;
    try {
      return { text, holder: JSON.parse(text) };
    } catch {
      await sleep(20);
    }
  }
  return { text, holder: undefined };
}

/**
 * Two processes may both find a dead holder, and the slower one must not remove the lock that the
 * faster one has made since: what was moved is compared, and put back if it is another's.
 * @param {string} file
 * @param {string | undefined} expected
 */
function moveAway(file, expected) {
  const aside = `${file}.${process.pid}`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, 'utf8') === expected) rmSync(aside);
    else renameSync(aside, file);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** @param {Holder} holder */
function alreadyRunning({ pid, kafkaPort }) {
  const where = kafkaPort === undefined ? 'still starting' : `Kafka on port ${kafkaPort}`;
  return (
    `Sluice is already running (pid ${pid}, ${where}).\n` +
    `Stop it with Ctrl-C in its terminal or with: kill ${pid}`
  );
}
