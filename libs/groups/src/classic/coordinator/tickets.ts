import type { Refusal } from './task-queue';

/** A request that has no answer yet. */
export interface Waiting {
  answer(result: unknown): void;
  refuse: Refusal;
}

/**
 * The requests in the machine that have no answer yet: the one that is being stored, and the parked
 * ones. Each has a number, and is answered or refused once.
 */
export class Tickets {
  readonly #waiting = new Map<number, Waiting>();
  #next = 1;

  get count(): number {
    return this.#waiting.size;
  }

  /** @returns the request's number */
  add(waiting: Waiting): number {
    const ticket = this.#next++;
    this.#waiting.set(ticket, waiting);
    return ticket;
  }

  /** Without effect for a request that was answered or refused. */
  answer(ticket: number, result: unknown): void {
    this.#take(ticket)?.answer(result);
  }

  refuse(ticket: number, errorCode: number): void {
    this.#take(ticket)?.refuse(errorCode);
  }

  refuseAll(errorCode: number): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { refuse } of waiting) refuse(errorCode);
  }

  #take(ticket: number): Waiting | undefined {
    const waiting = this.#waiting.get(ticket);
    this.#waiting.delete(ticket);
    return waiting;
  }
}
