import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { Timer } from '@sluice/base';
import { limits } from '../limits';
import { Connection, type ConnectionServices } from './connection';

/**
 * The TCP server: accepts connections up to the limit, looks for stalled ones, and stops
 * gracefully.
 */
export class Listener {
  private server: Server | null = null;
  private readonly connections = new Set<Connection>();
  private sweep: Timer | null = null;
  private stopping = false;
  private onEmpty: (() => void) | null = null;

  constructor(private readonly services: ConnectionServices) {}

  get connectionCount(): number {
    return this.connections.size;
  }

  /**
   * Listens and says on which port; `::` takes IPv4 as well, and falls back to 0.0.0.0 where the
   * machine has no IPv6. Rejects with the system's error (EADDRINUSE, EACCES …).
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
    this.scheduleSweep();
    return bound;
  }

  /** Stops accepting, lets requests under way finish for `graceMs`, then closes what is left. */
  async stop(graceMs: number): Promise<void> {
    this.stopping = true;
    this.sweep?.cancel();
    this.server?.close();
    for (const connection of this.connections) connection.drain();
    if (this.connections.size > 0) await this.emptyWithin(graceMs);
    for (const connection of this.connections) connection.close('the gateway stops');
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
    const { log, options } = this.services;
    if (this.stopping || this.connections.size >= options.connectionsMax) {
      log.warn('connection refused: too many', { connectionsMax: options.connectionsMax });
      socket.on('error', () => {});
      socket.destroy();
      return;
    }
    const connection = new Connection(socket, this.services, (gone) => {
      this.connections.delete(gone);
      if (this.connections.size === 0) this.onEmpty?.();
    });
    this.connections.add(connection);
  }

  private scheduleSweep(): void {
    const { clock } = this.services;
    this.sweep = clock.setTimer(limits.connectionSweepMs, () => {
      const nowMs = clock.monotonicMs();
      for (const connection of this.connections) connection.checkStalled(nowMs);
      this.scheduleSweep();
    });
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
