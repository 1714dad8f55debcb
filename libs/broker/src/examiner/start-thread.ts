import { Worker, type WorkerOptions } from 'node:worker_threads';

/** Starts a thread that runs a compiled file. */
export function startThread(file: string, options: WorkerOptions): Worker {
  return new Worker(file, options);
}
