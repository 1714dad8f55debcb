import type { IncomingMessage } from 'node:http';
import type { Problem } from '../http/problems';
import type { Role } from '../keys/api-keys';

/** Who asks. */
export interface Caller {
  /** The key's name; `local` where there are no keys. */
  readonly name: string;
  readonly role: Role;
}

/** What is known of a request beside what it says itself. */
export interface RequestFacts {
  readonly id: string;
  /** Null: no key was sent. */
  readonly caller: Caller | null;
  /** Why the caller is let into nothing that needs a key; undefined where its key is right. */
  readonly refusal?: Problem;
}

const facts = new WeakMap<IncomingMessage, RequestFacts>();

export function noteFacts(request: IncomingMessage, known: RequestFacts): void {
  facts.set(request, known);
}

/** What is known of a request; of one that never came through the front, nothing. */
export function factsOf(request: IncomingMessage): RequestFacts {
  return facts.get(request) ?? { id: '-', caller: null };
}
