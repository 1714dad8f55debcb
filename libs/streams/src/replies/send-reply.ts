import { replyChannel, replyKey } from '@sluice/log';
import { attempt, plainCommand, type RedisLink } from '@sluice/redis';
import { encodeWord } from './answer-word';
import { repliesLimits } from './replies-limits';
import { encodeReply, type Reply } from './reply';

const addressPattern = /^[\w-]+$/;

/**
 * Sends an answer to the client of that address; answers that are sent one after the other arrive
 * so.
 *
 * @returns false when nobody waits there any more
 * @throws RedisUnavailable | UnknownOutcome; RangeError for what is no address
 */
export async function sendReply(
  { write, keyPrefix }: RedisLink,
  address: string,
  reply: Reply,
): Promise<boolean> {
  if (address.length > repliesLimits.addressCharactersMax || !addressPattern.test(address)) {
    throw new RangeError(`'${address.slice(0, 100)}' is no address of a client`);
  }
  const { streamEntriesMax, wordBytesMax } = repliesLimits;
  const key = replyKey(keyPrefix, address);
  const terms = [key, 'NOMKSTREAM', 'MAXLEN', '~', String(streamEntriesMax), '*'];
  const added = plainCommand(write, 'xadd', [...terms, ...encodeReply(reply)]);
  // Behind it: who is told looks at the stream where a word has not brought all that is in it.
  const word = encodeWord(reply, wordBytesMax);
  const told = plainCommand(write, 'publish', [replyChannel(keyPrefix, address), word]);
  // Who is not told finds the answer in the stream a little later.
  told.catch(() => undefined);
  return (await attempt('streams.reply', added)) !== null;
}
