/** Told once how a request ended: what its client is answered, or why it cannot be. */
export interface AnswerListener {
  answered(answer: unknown): void;
  failed(error: unknown): void;
}

type End<T> = { readonly answer: T } | { readonly error: unknown };

/**
 * A handler's answer that comes later, told to one listener in the turn in which it is known. For
 * the hottest path: of a promise there would be five objects more for each request under way, all
 * of which the garbage collector copies. Whoever has the time may await it.
 */
export class LaterAnswer<T> implements PromiseLike<T> {
  #listener: AnswerListener | null = null;
  #end: End<T> | null = null;

  /** Names the one who is told; at once, where it has ended already. */
  whenEnded(listener: AnswerListener): void {
    this.#listener = listener;
    if (this.#end !== null) tell(listener, this.#end);
  }

  then<Next = T, Failed = never>(
    onAnswer?: ((answer: T) => Next | PromiseLike<Next>) | null,
    onError?: ((error: unknown) => Failed | PromiseLike<Failed>) | null,
  ): Promise<Next | Failed> {
    const promise = new Promise<T>((resolve, reject) => {
      this.whenEnded({ answered: (answer) => resolve(answer as T), failed: reject });
    });
    return promise.then(onAnswer, onError);
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

function tell(listener: AnswerListener, end: End<unknown>): void {
  if ('answer' in end) listener.answered(end.answer);
  else listener.failed(end.error);
}
