/** Told once how a request ended: what its client is answered, or why it cannot be. */
export interface AnswerListener {
  answered(answer: unknown): void;
  failed(error: unknown): void;
}

type End<T> = { readonly answer: T } | { readonly error: unknown };

/**
 * A handler's answer that comes later, told to one listener in the turn in which it is known. For
 * the hottest path: of a promise there would be five objects more for each request under way, all
 * of which the garbage collector copies.
 */
export class LaterAnswer<T> {
  #listener: AnswerListener | null = null;
  #end: End<T> | null = null;

  /** Names the one who is told; at once, where it has ended already. */
  whenEnded(listener: AnswerListener): void {
    this.#listener = listener;
    if (this.#end !== null) tell(listener, this.#end);
  }

  /** To be called once, or `fail`. */
  protected answer(answer: T): void {
    if (this.#listener === null) this.#end = { answer };
    else this.#listener.answered(answer);
  }

  protected fail(error: unknown): void {
    if (this.#listener === null) this.#end = { error };
    else this.#listener.failed(error);
  }
}

/** For whoever waits for a handler's answer, of whichever kind it is. */
export function promiseOf(answer: unknown): Promise<unknown> {
  if (!(answer instanceof LaterAnswer)) return Promise.resolve(answer);
  return new Promise((resolve, reject) => answer.whenEnded({ answered: resolve, failed: reject }));
}

function tell(listener: AnswerListener, end: End<unknown>): void {
  if ('answer' in end) listener.answered(end.answer);
  else listener.failed(end.error);
}
