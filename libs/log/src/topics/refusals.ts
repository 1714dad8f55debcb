import { RedisUnavailable } from '@sluice/redis';
import { decodeRecord } from './topic';

/** A change that was not made, and why, in words for the client. */
export interface Refused<Reason extends string> {
  refused: Reason;
  message: string;
}

/** The refusal of a name that another topic has, or that is too like another topic's. */
export function taken(name: string, holder: string): Refused<'exists' | 'collides'> {
  if (holder === name) return { refused: 'exists', message: `Topic '${name}' already exists` };
  const message = `Topic '${name}' collides with the existing topic '${holder}'`;
  return { refused: 'collides', message };
}

/** The same, of a topic as the registry has it, perhaps in a form that is not known here. */
export function takenBy(name: string, text: string): Refused<'exists' | 'collides'> {
  let holder = name;
  try {
    holder = decodeRecord(text).topic.name;
  } catch {
    // Its name is taken all the same.
  }
  return taken(name, holder);
}

/** The refusal to change what is not there. */
export function unknownTopic(name: string): Refused<'unknown-topic'> {
  return { refused: 'unknown-topic', message: `There is no topic '${name}'` };
}

/** For a change that others came before, again and again. */
export function busy(what: string): RedisUnavailable {
  return new RedisUnavailable('busy', `${what}: others kept changing the same topic`);
}
