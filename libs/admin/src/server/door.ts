import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Clock, Logger, Timer } from '@sluice/base';
import { Problem, problemResponse } from '../http/problems';
import { adminLimits } from '../limits';
import type { AdminOptions } from '../options';

/** What answers requests, as Express is. */
export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void;

/** The admin port cannot be listened on; the cause is the system's error. */
export class AdminListenError extends Error {
  constructor(
    readonly address: { host: string; port: number },
    override readonly cause: NodeJS.ErrnoException,
  ) {
    super(cause.message);
  }
}

/** What the admin port is given by its process. */
export interface DoorPorts {
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The admin port. It is taken at the start, so that a port which is in use ends the start as that
 * of Kafka does, and what answers there comes later: it is large, and Kafka's clients do not wait
 * for it. Until then requests are told to come again.
 */
export class AdminDoor {
  readonly server: Server;
  readonly #stopping = new AbortController();
  #handler: RequestHandler | null = null;
  #underWay = 0;
  #whenIdle: (() => void) | null = null;

  constructor(
    private readonly options: Pick<AdminOptions, 'host' | 'port'>,
    private readonly ports: DoorPorts,
  ) {
    this.server = createServer({
      maxHeaderSize: adminLimits.headBytesMax,
      headersTimeout: adminLimits.headMsMax,
      requestTimeout: adminLimits.requestMsMax,
      keepAliveTimeout: adminLimits.keepAliveMs,
      connectionsCheckingInterval: adminLimits.connectionSweepMs,
    });
    this.server.maxConnections = adminLimits.adminConnectionsMax;
    this.server.maxHeadersCount = adminLimits.headersMax;
    this.server.timeout = adminLimits.idleMs;
    this.server.on('request', (request, response) => this.#answer(request, response));
    this.server.on('clientError', refuseMalformed);
  }

  /** Aborted when the gateway stops: what answers for long then ends. */
  get stopping(): AbortSignal {
    return this.#stopping.signal;
  }

  /** The port that it listens on; 0 before the start. */
  get port(): number {
    return (this.server.address() as AddressInfo | null)?.port ?? 0;
  }

  /**
   * Listens.
   *
   * @throws AdminListenError
   */
  start(): Promise<void> {
    const { host, port } = this.options;
    return new Promise((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException): void => {
        reject(new AdminListenError({ host, port }, error));
      };
      this.server.once('error', refuse);
      this.server.listen(port, host, () => {
        this.server.off('error', refuse);
        this.server.on('error', (error) => this.#failed(error));
        resolve();
      });
    });
  }

  /** A connection could not be taken, as where there are too many open files: others can. */
  #failed({ message }: Error): void {
    this.ports.log.warn('the admin port could not take a connection', { error: message });
  }

  /** From now on requests are answered by this. */
  serve(handler: RequestHandler): void {
    this.#handler = handler;
  }

  /** Stops listening, gives what is under way some time, and ends all connections. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.server.close();
    if (this.#underWay > 0) await this.#untilIdle();
    this.server.closeAllConnections();
  }

  async #untilIdle(): Promise<void> {
    let timer: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.#whenIdle = resolve;
      timer = this.ports.clock.setTimer(adminLimits.stopGraceMs, resolve);
    });
    timer?.cancel();
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#underWay++;
    response.once('close', () => {
      this.#underWay--;
      if (this.#underWay === 0) this.#whenIdle?.();
    });
    if (this.#stopping.signal.aborted) return sendUnready(response, 'stopping');
    if (this.#handler === null) return sendUnready(response, 'starting');
    this.#handler(request, response);
  }
}

function sendUnready(response: ServerResponse, code: 'starting' | 'stopping'): void {
  const detail = 'The admin endpoints are not there at this moment. Try again.';
  const problem = new Problem(code, detail, { retryAfterSeconds: 1 });
  const { status, headers, document } = problemResponse(problem, '-');
  response.writeHead(status, { ...headers, Connection: 'close' }).end(JSON.stringify(document));
}

/** What Node says of requests that cannot be read, as problem documents. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const { status, headers, document } = problemResponse(problemOfParser(error), '-');
  const lines = Object.entries({ ...headers, Connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  const body = JSON.stringify(document);
  socket.end(`HTTP/1.1 ${status} ${document.title}\r\n${lines.join('')}\r\n${body}`);
}

function problemOfParser({ code, message }: NodeJS.ErrnoException): Problem {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new Problem('request-timed-out', 'The request did not come whole in time.');
  }
  if (code === 'HPE_HEADER_OVERFLOW') {
    const { headBytesMax } = adminLimits;
    return new Problem('head-too-large', `Address and headers may have ${headBytesMax} bytes.`);
  }
  return new Problem('invalid-http', `This is not HTTP: ${message}.`);
}
