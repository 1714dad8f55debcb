import type { Random } from '@sluice/base';
import type { Redis } from '@sluice/redis';
import {
  advance,
  readReply,
  runAppend,
  type AppendBatch,
  type AppendConditions,
  type AppendReply,
  type LogPosition,
  type RawAppendReply,
} from './append';
import { allowsTransactions, appendDirect } from './direct-append';
import type { PartitionKeys } from './keys';
import type { PartitionLimits } from './partition-limits';

/** An append that was sent and is not answered yet. */
interface Call {
  batches: readonly AppendBatch[];
  conditions: AppendConditions;
  /** Past Lua; then its conditions have a position. */
  direct: boolean;
  /** A call that has to be sent again waits until all that were made before it have ended. */
  before: Promise<void> | undefined;
  end: () => void;
  /** Ended for good, and all those before it too. */
  ended: Promise<void>;
}

/** The end of a call. */
class Ending {
  end = (): void => undefined;
  readonly ended = new Promise<void>((resolve) => (this.end = resolve));
}

/** What this process knows of the end of one log. It is a guess: others may append as well. */
interface Tail {
  /** Where the log will end once all that is under way has been added; null: no idea. */
  position: LogPosition | null;
  underWay: Call[];
  /** How many more appends go through Lua, because another writer came in between. */
  plainLeft: number;
}

/**
 * The appends of one connection. Small batches go through the append script; large ones past Lua,
 * where the log ends as expected. Batches of one partition are added in the order of the calls:
 * what is sent behind a call that is not answered yet is done only if that one was the last to be
 * done, and else sent again. Any call may have to be: a large one that finds another end of the
 * log, and each one that meets a server that has lost the script.
 */
export class Appends {
  private readonly tails = new Map<string, Tail>();
  private readonly name: string;
  private tokens = 0;
  private transactions: 'unknown' | 'asked' | 'allowed' = 'unknown';

  constructor(
    private readonly redis: Redis,
    private readonly limits: PartitionLimits,
    random: Random,
  ) {
    this.name = random.uuid();
  }

  /** See `PartitionStore.append`. */
  async append(
    keys: PartitionKeys,
    leaderEpoch: number,
    batches: readonly AppendBatch[],
  ): Promise<AppendReply> {
    const tail = this.tailOf(keys.log);
    const call = this.begin(tail, leaderEpoch, batches);
    let reply: RawAppendReply | null = null;
    try {
      reply = await this.send(keys, call);
      if (reply[0] === 'moved') {
        tail.plainLeft = this.limits.plainAppendsAfterMove;
        await call.before;
        const { token } = call.conditions;
        const again = { leaderEpoch, position: null, after: '', token };
        reply = await runAppend(this.redis, keys, again, batches);
      }
    } finally {
      call.end();
      finish(tail, call, reply);
    }
    return readReply(reply, batches);
  }

  private send(keys: PartitionKeys, call: Call): Promise<RawAppendReply> {
    const { direct, conditions, batches } = call;
    const { position } = conditions;
    if (!direct || position === null) return runAppend(this.redis, keys, conditions, batches);
    return appendDirect(this.redis, keys, { ...conditions, position }, batches);
  }

  private begin(tail: Tail, leaderEpoch: number, batches: readonly AppendBatch[]): Call {
    const { position } = tail;
    const before = tail.underWay.at(-1);
    const direct = position !== null && isLarge(batches, this.limits) && this.mayGoDirect(tail);
    const conditions: AppendConditions = {
      leaderEpoch,
      position: direct ? position : null,
      after: before?.conditions.token ?? '',
      token: `${this.name}${++this.tokens}`,
    };
    const own = new Ending();
    const ended = before === undefined ? own.ended : before.ended.then(() => own.ended);
    const call = { batches, conditions, direct, before: before?.ended, end: own.end, ended };
    tail.underWay.push(call);
    tail.position = position && advance(position, batches);
    return call;
  }

  private mayGoDirect(tail: Tail): boolean {
    if (tail.plainLeft > 0) {
      tail.plainLeft--;
      return false;
    }
    if (this.transactions === 'unknown') void this.askForTransactions();
    return this.transactions === 'allowed';
  }

  private async askForTransactions(): Promise<void> {
    this.transactions = 'asked';
    this.transactions = (await allowsTransactions(this.redis)) ? 'allowed' : 'unknown';
  }

  private tailOf(log: string): Tail {
    let tail = this.tails.get(log);
    if (tail === undefined) {
      this.makeRoom();
      tail = { position: null, underWay: [], plainLeft: 0 };
      this.tails.set(log, tail);
    }
    return tail;
  }

  /** Forgetting a tail costs one append through Lua, and nothing else. */
  private makeRoom(): void {
    if (this.tails.size < this.limits.tailsMax) return;
    for (const [log, { underWay }] of this.tails) {
      if (underWay.length > 0) continue;
      this.tails.delete(log);
      return;
    }
  }
}

/** Where the XADDs of a transaction cost less than what Lua does to the bytes. */
function isLarge(batches: readonly AppendBatch[], limits: PartitionLimits): boolean {
  let bytes = 0;
  for (const batch of batches) bytes += batch.bytes.length;
  const { directBytesMin, directBatchBytesMin } = limits;
  return bytes >= directBytesMin && bytes >= directBatchBytesMin * batches.length;
}

/** For an append that is done whatever came before it. */
export function unconditional(leaderEpoch: number): AppendConditions {
  return { leaderEpoch, position: null, after: '', token: '' };
}

/** Takes an answered call out and reckons anew from its answer; null: it failed. */
function finish(tail: Tail, call: Call, reply: RawAppendReply | null): void {
  const at = tail.underWay.indexOf(call);
  const behind = tail.underWay.slice(at + 1);
  tail.underWay.splice(at, 1);
  tail.position = null;
  if (reply === null || (reply[0] !== 'all' && reply[0] !== 'some')) return;
  const [, , logEndOffset, maxTimestampMs] = reply;
  let position: LogPosition = { logEndOffset, maxTimestampMs };
  for (const { batches } of behind) position = advance(position, batches);
  tail.position = position;
}
