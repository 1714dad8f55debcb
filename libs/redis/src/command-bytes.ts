import type { Socket } from 'node:net';

/** Arguments from this size on go to the socket as they are; copying smaller ones is cheaper. */
const referencedBytesMin = 8 * 1024;
/** More than enough for `$<length>\r\n` before an argument and `\r\n` behind it. */
const framingBytesMax = 24;

const newline = [0x0d, 0x0a] as const;

/**
 * Writes a command in Redis' protocol (RESP2) to a corked socket and returns its last bytes for the
 * caller to write. Small arguments are packed into one buffer in one pass; large ones are written
 * without a copy. ioredis' own encoder copies every byte and measures each piece twice, which for
 * appends of many small batches is most of what they cost.
 */
export function writeCommand(socket: Socket, name: string, args: readonly unknown[]): Buffer {
  const packed = Buffer.allocUnsafe(packedBytesMax(name, args));
  let at = packed.write(`*${args.length + 1}\r\n$${name.length}\r\n${name}\r\n`, 0, 'latin1');
  let start = 0;
  for (const arg of args) {
    if (!Buffer.isBuffer(arg)) {
      const text = String(arg);
      at = writeLength(packed, at, Buffer.byteLength(text));
      at += packed.write(text, at);
    } else {
      at = writeLength(packed, at, arg.length);
      if (arg.length >= referencedBytesMin) {
        socket.write(packed.subarray(start, at));
        socket.write(arg);
        start = at;
      } else {
        packed.set(arg, at);
        at += arg.length;
      }
    }
    packed[at++] = newline[0];
    packed[at++] = newline[1];
  }
  return packed.subarray(start, at);
}

function packedBytesMax(name: string, args: readonly unknown[]): number {
  let bytes = name.length + 2 * framingBytesMax;
  for (const arg of args) {
    bytes += framingBytesMax;
    if (!Buffer.isBuffer(arg)) bytes += Buffer.byteLength(String(arg));
    else if (arg.length < referencedBytesMin) bytes += arg.length;
  }
  return bytes;
}

/** Writes `$<length>\r\n` and returns where it ends. */
function writeLength(target: Buffer, at: number, length: number): number {
  target[at++] = 0x24;
  let digits = 1;
  for (let rest = length; rest >= 10; rest = Math.trunc(rest / 10)) digits++;
  let rest = length;
  for (let i = at + digits - 1; i >= at; i--) {
    target[i] = 0x30 + (rest % 10);
    rest = Math.trunc(rest / 10);
  }
  at += digits;
  target[at++] = newline[0];
  target[at++] = newline[1];
  return at;
}
