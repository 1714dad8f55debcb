import { Socket, type OnReadOpts, type SocketConstructorOpts } from 'node:net';

/**
 * Where all sockets are read into: one read of one socket at a time, each taken over before the
 * next. Node otherwise allocates 64 KiB for every read, which at 200 MB/s keeps its garbage
 * collector busy.
 */
const readBytes = 256 * 1024;
const shared = Buffer.allocUnsafeSlow(readBytes);

interface SocketWithHandle {
  _handle: object | null;
}

/**
 * Makes a socket whose bytes are handed to `onBytes` in memory that is used again as soon as it
 * returns. net.Socket offers that (`onread`), but net.Server has no way to ask for it, so the
 * accepted socket's handle is moved to a new one; the server must accept with `pauseOnConnect`.
 * Should a version of Node no longer let us, the accepted socket is read as usual.
 */
export function readIntoOwnBuffer(accepted: Socket, onBytes: (chunk: Buffer) => void): Socket {
  const { _handle: handle } = accepted as unknown as SocketWithHandle;
  if (handle === null || typeof handle !== 'object' || !('useUserBuffer' in handle)) {
    accepted.on('data', onBytes);
    accepted.resume();
    return accepted;
  }
  (accepted as unknown as SocketWithHandle)._handle = null;
  // Without its handle it is nothing; the server stops counting it.
  accepted.destroy();
  const onread: OnReadOpts = {
    buffer: shared,
    callback(bytes) {
      onBytes(shared.subarray(0, bytes));
      return true;
    },
  };
  return new Socket({ handle, onread } as SocketConstructorOpts);
}
