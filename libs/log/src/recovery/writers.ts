import {
  attempt,
  RedisStartError,
  sameHistory,
  stoppedWriterField,
  type HistoryToken,
  type Redis,
} from '@sluice/redis';
import type { RegistryKeys } from '../keys';
import { writersEnterScript, writersLeaveScript } from '../scripts';

/** A process that may have written, and which history of Redis it then wrote to. */
export interface WriterEntry {
  token: string;
  /** Of each shard that it knew of. */
  histories: readonly HistoryToken[];
  /** When it was entered, by the clock of Redis, ms. */
  enteredAtMs: number;
  /** When it last said that it is there, by the same clock. */
  seenAtMs: number;
  /** It has stopped in good order, and what it wrote last may not be kept everywhere yet. */
  hasLeft: boolean;
}

/** As it is stored: the history of one server, or a list of those of several. */
interface StoredEntry {
  history: HistoryToken | readonly HistoryToken[];
  enteredAtMs: number;
  seenAtMs?: number;
  hasLeft?: boolean;
}

/** What is known of those who write. */
export interface WritersState {
  writers: WriterEntry[];
  /** On which history the last of them stopped in good order. */
  stoppedOn: readonly HistoryToken[] | null;
}

/** The form in which this version stores things; a missing number is the first one. */
export const registryFormat = 1;

/**
 * Refuses a registry in a form that only a newer version knows.
 *
 * @throws RedisStartError 'newer-format'; RedisUnavailable | UnknownOutcome
 */
export async function checkRegistryFormat(
  redis: Redis,
  { format }: Pick<RegistryKeys, 'format'>,
): Promise<void> {
  const stored = Number((await attempt('log.format', redis.get(format))) ?? 1);
  if (stored <= registryFormat) return;
  const message =
    `${format} is ${stored}: a newer version of Sluice has used this Redis.\n` +
    `This version knows forms up to ${registryFormat}. Use the newer version.`;
  throw new RedisStartError('newer-format', message);
}

/**
 * Who writes, in one hash. Redis keeps the order of writes, in its file and to its replicas: a
 * state that has the removal of an entry has all that this writer wrote before, and a state that
 * lacks an entry lacks all that it wrote after.
 *
 * All methods throw RedisUnavailable or UnknownOutcome; each may be repeated.
 */
export class Writers {
  constructor(private readonly keys: Pick<RegistryKeys, 'writers' | 'format'>) {}

  async read(redis: Redis): Promise<WritersState> {
    const fields = await attempt('log.writers', redis.hgetall(this.keys.writers));
    const state: WritersState = { writers: [], stoppedOn: null };
    for (const [token, text] of Object.entries(fields)) {
      const { history, enteredAtMs, seenAtMs, hasLeft } = JSON.parse(text) as StoredEntry;
      const histories = 'runId' in history ? [history] : history;
      if (token === stoppedWriterField) {
        state.stoppedOn = histories;
        continue;
      }
      state.writers.push({
        token,
        histories,
        enteredAtMs,
        // A version that did not say so has left none.
        seenAtMs: seenAtMs ?? enteredAtMs,
        hasLeft: hasLeft === true,
      });
    }
    return state;
  }

  /**
   * Enters a writer, or another history of it; returns the time of Redis, ms.
   *
   * @param enteredAtMs where it was entered before, and only says that it is still there
   */
  async enter(
    redis: Redis,
    token: string,
    histories: readonly HistoryToken[],
    enteredAtMs = -1,
  ): Promise<number> {
    const text = stored(histories);
    const args = { token, history: text, format: registryFormat, enteredAtMs };
    const { nowMs } = await writersEnterScript.call(redis, this.keys, args);
    return nowMs;
  }

  /** A server with this history may lack what the writer wrote there, and was made ready for it. */
  async madeReady(redis: Redis, entry: WriterEntry, history: HistoryToken): Promise<void> {
    const { token, histories, enteredAtMs } = entry;
    await this.enter(redis, token, [...histories, history], enteredAtMs);
  }

  /** Takes away those who will not write again. */
  async remove(redis: Redis, tokens: readonly string[]): Promise<void> {
    if (tokens.length > 0) await attempt('log.writers', redis.hdel(this.keys.writers, ...tokens));
  }

  /**
   * A writer has stopped in good order; called behind its last write, on the same connection. Where
   * there are several servers, each may lose its last writes by itself: there the entry stays, and
   * says that the writer has left, until what it wrote is kept for sure.
   */
  async stopped(redis: Redis, token: string, histories: readonly HistoryToken[]): Promise<void> {
    const left = histories.length > 1 ? 1 : 0;
    const args = { token, stoppedField: stoppedWriterField, history: stored(histories), left };
    await writersLeaveScript.call(redis, this.keys, args);
  }
}

function stored(histories: readonly HistoryToken[]): string {
  return JSON.stringify(histories.length === 1 ? histories[0] : histories);
}

/** Whether a writer, or whoever stopped last, knew this history of a shard. */
export function knows(histories: readonly HistoryToken[], history: HistoryToken): boolean {
  return histories.some((one) => sameHistory(one, history));
}
