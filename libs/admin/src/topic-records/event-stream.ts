import { once } from 'node:events';
import type { TailEvent, TailReader } from '@sluice/broker';
import type { Response } from 'express';

/** Server-sent events (HTML Living Standard, 9.2) to one client. */
export class EventStream implements TailReader {
  constructor(private readonly response: Response) {
    // Its client is gone, and whoever writes hears of that elsewhere.
    response.on('error', () => {});
  }

  /** Sends the head. To be called once nothing can be refused any more. */
  begin(): void {
    this.response.status(200);
    this.response.setHeader('Content-Type', 'text/event-stream; charset=utf-8');
    // Proxies that gather what they pass on would keep events back.
    this.response.setHeader('X-Accel-Buffering', 'no');
    this.response.flushHeaders();
  }

  send(event: TailEvent): boolean {
    const id = 'id' in event ? `id: ${event.id}\n` : '';
    return this.#write(`event: ${event.event}\n${id}data: ${JSON.stringify(event.data)}\n\n`);
  }

  heartbeat(): boolean {
    return this.#write(': alive\n\n');
  }

  async drained(signal: AbortSignal): Promise<void> {
    try {
      if (this.response.writableNeedDrain) await once(this.response, 'drain', { signal });
    } catch {
      // Aborted: whoever waits looks why.
    }
  }

  end(): void {
    this.response.end();
  }

  #write(text: string): boolean {
    if (this.response.destroyed || this.response.writableEnded) return true;
    return this.response.write(text);
  }
}
