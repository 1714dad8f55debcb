import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Periodic, type CounterCell } from '@sluice/base';
import { limits } from '../limits';
import { brokerMetrics } from '../metrics';
import { Closings } from './closings';
import { Connection, type ConnectionOwner, type ConnectionServices } from './connection';

/**
 * The TCP server: accepts connections up to the limit, looks for stalled ones, and stops
 * gracefully.
 */
export class Listener {
  private server: Server | null = null;
  private readonly connections = new Set<Connection>();
  private readonly sweep: Periodic;
  private readonly owner: ConnectionOwner;
  private readonly accepted: CounterCell;
  private readonly unobserve: readonly (() => void)[];
  private stopping = false;
  /** Sockets that have come before they may be served; null: they may. */
  private early: Set<Socket> | null = new Set();
  private onEmpty: (() => void) | null = null;

  constructor(private readonly services: ConnectionServices) {
    const { clock, log, metrics } = services;
    this.accepted = metrics.counter(brokerMetrics.accepted).with({});
    this.unobserve = [
      metrics.observe(brokerMetrics.connections, (tell) => tell(this.connections.size)),
      metrics.observe(brokerMetrics.inFlight, (tell) => {
        let unanswered = 0;
        for (const connection of this.connections) unanswered += connection.unanswered;
        tell(unanswered);
      }),
    ];
    this.owner = {
      closings: new Closings({ clock, log, metrics }),
      gone: (connection) => {
        this.connections.delete(connection);
        if (this.connections.size === 0) this.onEmpty?.();
      },
    };
    this.sweep = new Periodic({
      clock,
      log,
      name: 'the look for stalled connections',
      everyMs: limits.connectionSweepMs,
      run: () => this.closeStalled(),
      failureLevel: 'error',
    });
  }

  get connectionCount(): number {
    return this.connections.size;
  }

  /** Connections that have come, and all that come from now on, are served. */
  serve(): void {
    const early = this.early ?? [];
    this.early = null;
    for (const socket of early) this.accept(socket);
  }

  /**
   * Listens and says on which port; who connects is kept waiting until `serve`. `::` takes IPv4 as
   * well, and falls back to 0.0.0.0 where the machine has no IPv6. Rejects with the system's error
   * (EADDRINUSE, EACCES …).
   */
  async listen(host: string, port: number): Promise<number> {
    let bound: number;
    try {
      bound = await this.listenOn(host, port);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (host !== '::' || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error;
      bound = await this.listenOn('0.0.0.0', port);
    }
    this.sweep.start();
    return bound;
  }

  /** Stops accepting, lets requests under way finish for `graceMs`, then closes what is left. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    this.server?.close();
    await this.sweep.stop();
    for (const socket of this.early ?? []) socket.destroy();
    for (const connection of this.connections) connection.drain();
    if (this.connections.size > 0) await this.emptyWithin(graceMs);
    for (const connection of this.connections) connection.close('the gateway stops');
    this.owner.closings.stop();
    for (const stop of this.unobserve) stop();
  }

  private listenOn(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const server = createServer({ pauseOnConnect: true }, (socket) => this.accept(socket));
      server.once('error', reject);
      server.listen({ host, port, ipv6Only: false }, () => {
        server.off('error', reject);
        server.on('error', (error) => {
          this.services.log.error('listener error', { error: error.message });
        });
        this.server = server;
        resolve((server.address() as AddressInfo).port);
      });
    });
  }

  private accept(socket: Socket): void {
    const { connectionsMax } = this.services.options;
    const full = this.connections.size + (this.early?.size ?? 0) >= connectionsMax;
    if (this.stopping) this.owner.closings.refusedAtStop();
    else if (full) this.owner.closings.refused(connectionsMax);
    if (full || this.stopping) {
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    if (this.early !== null) return this.keep(socket, this.early);
    this.accepted.add(1);
    this.connections.add(new Connection(socket, this.services, this.owner));
  }

  private keep(socket: Socket, early: Set<Socket>): void {
    early.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => early.delete(socket));
  }

  private closeStalled(): void {
    const nowMs = this.services.clock.monotonicMs();
    for (const connection of this.connections) connection.checkStalled(nowMs);
  }

  private emptyWithin(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.services.clock.setTimer(graceMs, resolve);
      this.onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}
