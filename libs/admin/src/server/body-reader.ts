import type { IncomingMessage } from 'node:http';
import { inexactNumber, MemoryBudget } from '@sluice/base';
import { Problem } from '../http/problems';
import { adminLimits } from '../limits';

const bodyMethods = new Set(['POST', 'PUT', 'PATCH']);
const overloaded = 'Other requests use the memory that there is for bodies. Try again.';

/**
 * Reads the JSON body of a request; undefined where it has none. The bytes count against `budget`
 * until `release` is called, which whoever answers does.
 *
 * @throws Problem where there is no such body
 */
export async function readJson(
  request: IncomingMessage,
  budget: MemoryBudget,
): Promise<{ body: unknown; release: () => void }> {
  const nothing = { body: undefined, release: () => {} };
  const { method = '', headers } = request;
  const length = headers['content-length'];
  const isChunked = headers['transfer-encoding'] !== undefined;
  if (!bodyMethods.has(method) || (!isChunked && (length ?? '0') === '0')) return nothing;
  checkMedia(request);
  const { bodyBytesMax } = adminLimits;
  const declared = isChunked ? bodyBytesMax : Number(length);
  if (declared > bodyBytesMax) throw tooLarge();
  if (!budget.tryReserve(declared)) {
    throw new Problem('overloaded', overloaded, { retryAfterSeconds: 1, headers: closing });
  }
  let isReleased = false;
  const release = (): void => {
    if (isReleased) return;
    isReleased = true;
    budget.release(declared);
  };
  try {
    return { body: parse(await read(request)), release };
  } catch (error) {
    release();
    throw error;
  }
}

/** What is left of the body would come on the same connection. */
const closing = { Connection: 'close' };

function tooLarge(): Problem {
  const detail = `A body may have ${adminLimits.bodyBytesMax} bytes. Send less at a time.`;
  return new Problem('body-too-large', detail, { headers: closing });
}

function checkMedia({ headers }: IncomingMessage): void {
  const type = headers['content-type'] ?? '';
  const [media = '', ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  if (!/^application\/([\w.-]+\+)?json$/.test(media)) {
    const detail = `Send JSON, with Content-Type: application/json and not '${type}'.`;
    throw new Problem('unsupported-media-type', detail, { headers: closing });
  }
  const charset = parameters.find((parameter) => parameter.startsWith('charset='));
  if (charset !== undefined && !/^charset="?utf-?8"?$/.test(charset)) {
    const detail = `JSON is UTF-8, and not '${charset}'.`;
    throw new Problem('unsupported-media-type', detail, { headers: closing });
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return;
  const detail = `Send the body as it is, without Content-Encoding: ${encoding}.`;
  throw new Problem('unsupported-encoding', detail, { headers: closing });
}

function read(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > adminLimits.bodyBytesMax) {
        request.pause();
        reject(tooLarge());
      } else chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks, bytes)));
    request.once('error', reject);
    request.once('close', () => reject(new Error('the caller is gone')));
  });
}

function parse(bytes: Buffer): unknown {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Problem('invalid-json', 'The body is not UTF-8.');
  }
  checkDepth(bytes);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    // The message repeats what was sent, and what was sent is nobody's business.
    const [, position] = /position (\d+)/.exec((error as Error).message) ?? [];
    const where = position === undefined ? '' : ` It breaks at character ${position}.`;
    throw new Problem('invalid-json', `The body cannot be read as JSON.${where}`);
  }
  const inexact = inexactNumber(text);
  if (inexact === null) return body;
  const shown = inexact.slice(0, shownCharactersMax);
  const detail = `${shown} would not be kept exactly. Send such a number as a text.`;
  throw new Problem('invalid-json', detail);
}

const shownCharactersMax = 40;

const [quote, backslash] = [0x22, 0x5c];
const [openBracket, closeBracket, openBrace, closeBrace] = [0x5b, 0x5d, 0x7b, 0x7d];

/** Whatever works on the body later does so by recursion, and must not run out of stack. */
function checkDepth(bytes: Buffer): void {
  const { bodyDepthMax } = adminLimits;
  let depth = 0;
  let isInText = false;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (isInText) {
      if (byte === backslash) i++;
      else if (byte === quote) isInText = false;
    } else if (byte === quote) isInText = true;
    else if (byte === closeBracket || byte === closeBrace) depth--;
    else if ((byte === openBracket || byte === openBrace) && ++depth > bodyDepthMax) {
      const detail = `Lists and objects may lie in each other ${bodyDepthMax} deep.`;
      throw new Problem('invalid-json', detail);
    }
  }
}
