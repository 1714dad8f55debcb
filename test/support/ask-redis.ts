import { connect } from 'node:net';

const answerMsMax = 5_000;

/**
 * Sends one command to a server, past everything that is tested, and gives its answer as text.
 *
 * @param command in one line, without quotes, as `CONFIG SET appendfsync always`
 * @throws Error with the server's words when it refuses
 */
export function askRedis(
  { host, port }: { host: string; port: number },
  command: string,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port }, () => socket.write(`${command}\r\n`));
    let text = '';
    socket.setTimeout(answerMsMax, () => socket.destroy(new Error(`no answer to ${command}`)));
    socket.setEncoding('utf8');
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`no answer to ${command}`)));
    socket.on('data', (part: string) => {
      text += part;
      const answer = parse(text);
      if (answer === null) return;
      if (text.startsWith('-')) reject(new Error(answer));
      else resolve(answer);
      socket.destroy();
    });
  });
}

/** A simple string, an error, a number or a bulk string; null while it is not complete. */
function parse(text: string): string | null {
  const lineEnd = text.indexOf('\r\n');
  if (lineEnd < 0) return null;
  const first = text.slice(1, lineEnd);
  if (!text.startsWith('$')) return first;
  const bytes = Buffer.from(text.slice(lineEnd + 2));
  const length = Number(first);
  if (length < 0) return '';
  return bytes.length < length + 2 ? null : bytes.subarray(0, length).toString();
}
