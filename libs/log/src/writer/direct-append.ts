import { classify, connectionOf, isErrorReply, UnknownOutcome, type Redis } from '@sluice/redis';
import type { PartitionKeys } from '../keys';
import { appendScript, type AppendScriptReply } from '../scripts';
import { appendArgs, type AppendBatch, type SentTerms, type LogPosition } from './append-call';

/**
 * Appends batches without handing their bytes to Lua, which copies them twice and hashes each byte
 * (for 64 KiB that takes longer than the XADD itself).
 *
 * One transaction: the append script, which judges the batches and, if all of them fit where the
 * log is expected to end, does the book-keeping and renames the stream to `open`; an XADD for each
 * batch to `open`, which does nothing where that key does not exist; and the renaming back. What
 * the script did not grant cannot happen, whatever the reason: a refusal, an error, a server that
 * does not know the script. Nobody else sees the stream away, because nothing runs between the
 * commands of a transaction.
 *
 * @returns as the script; `moved` when nothing was done, for the log ends elsewhere; `unfit` when
 *   nothing was done and the batches have to go through Lua
 * @throws RedisUnavailable when nothing was executed, UnknownOutcome when it may have been
 */
export async function appendDirect(
  connection: Redis,
  keys: PartitionKeys,
  { terms, position }: { terms: SentTerms; position: LogPosition },
  batches: readonly AppendBatch[],
): Promise<AppendScriptReply> {
  const { meta, log, producers, spans, open } = keys;
  const redis = connectionOf(connection, log);
  const ids = entryIds(position, batches);
  const args = appendArgs(keys, terms, position, batches);
  const queued: Promise<unknown>[] = [
    redis.multi({ pipeline: false }),
    appendScript.queue(redis, { meta, log, producers, spans, open: [open] }, args),
    ...batches.map(({ bytes }, i) => redis.xadd(open, 'NOMKSTREAM', ids[i]!, 'b', bytes)),
    redis.renamenx(open, log),
  ];
  let refusal: unknown = null;
  let isOpen = true;
  queued[0]!.catch((error: unknown) => (isOpen = !isErrorReply(error)));
  for (const reply of queued) reply.catch((error: unknown) => (refusal ??= error));
  let results: [Error | null, unknown][] | null;
  try {
    results = await redis.exec();
  } catch (error) {
    // Without MULTI the others were run as they came.
    if (!isOpen) throw new UnknownOutcome(appendScript.name, { cause: classify(refusal, 'MULTI') });
    // A command that was refused when it was queued says why; EXEC then says only that there was
    // one.
    throw classify(refusal ?? withoutAbort(error as Error), appendScript.name);
  }
  return readResults(results ?? [], ids);
}

/** The script's reply, once it is sure that what it tells is so. */
function readResults(
  results: readonly [Error | null, unknown][],
  ids: readonly string[],
): AppendScriptReply {
  const [error, reply] = results[0] ?? [null, ['unfit']];
  if (error !== null) {
    // A script that failed may have moved the stream before it did, and then the batches are in it.
    const added = results.slice(1, -1).some(([, id]) => typeof id === 'string');
    if (added) throw new UnknownOutcome(appendScript.name, { cause: withoutCommand(error) });
    return { tag: 'unfit' };
  }
  const answer = appendScript.read(reply);
  if (answer.tag === 'all') checkAdded(results, ids);
  return answer;
}

/**
 * Whether this connection may use transactions; ACLs and proxies can forbid them. Null: nobody
 * knows, for it broke.
 */
export async function allowsTransactions(connection: Redis): Promise<boolean | null> {
  // Users have the same rights on all servers.
  const redis = connectionOf(connection, '');
  const begun = redis.multi({ pipeline: false });
  const ended = redis.exec();
  const replies = await Promise.allSettled([begun, ended]);
  const failed = replies.filter((reply) => reply.status === 'rejected');
  if (failed.length === 0) return true;
  return failed.every(({ reason }) => isErrorReply(reason)) ? false : null;
}

function entryIds(from: LogPosition, batches: readonly AppendBatch[]): string[] {
  let { logEndOffset, maxTimestampMs } = from;
  return batches.map((batch) => {
    logEndOffset += batch.lastOffsetDelta + 1;
    maxTimestampMs = Math.max(maxTimestampMs, batch.maxTimestampMs);
    return `${logEndOffset - 1}-${Math.max(1, maxTimestampMs)}`;
  });
}

/** EXEC packs the reason of a refusal into its own error. */
function withoutAbort(error: Error): Error {
  const because = /^EXECABORT .*? because of: (.*)$/s.exec(error.message);
  return because === null ? error : Object.assign(error, { message: because[1] });
}

/** ioredis hangs the command with all its arguments on its errors. */
function withoutCommand(error: Error): Error {
  return new Error(error.message);
}

/** What was granted has to be there; anything else is a bug, and must not be acknowledged. */
function checkAdded(results: readonly [Error | null, unknown][], ids: readonly string[]): void {
  const added = results.slice(1, -1);
  const wrong = added.findIndex(([error, id], i) => error !== null || id !== ids[i]);
  const [error, back] = results.at(-1)!;
  if (wrong === -1 && added.length === ids.length && error === null && back === 1) return;
  const replies = results.map(([failure, reply]) => failure?.message ?? reply);
  const cause = new Error(`what was granted was not done: ${JSON.stringify(replies)}`);
  throw new UnknownOutcome(appendScript.name, { cause });
}
