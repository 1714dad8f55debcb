import { join } from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * Stands for libs/broker's start-thread in tests (jest.config.js), where nothing is compiled to
 * files: the thread gets a loader that compiles what it requires.
 */
export function startThread(file: string, options: WorkerOptions): Worker {
  const execArgv = ['--require', join(__dirname, 'typescript-loader.cjs')];
  return new Worker(file, { ...options, execArgv });
}
