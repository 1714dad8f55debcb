import { ExpressAdapter } from '@nestjs/platform-express';
import type { AdminDoor } from './door';

/** Express behind a server that listens already. */
export class DoorAdapter extends ExpressAdapter {
  constructor(private readonly door: AdminDoor) {
    super();
    this.disable('x-powered-by');
    // ETags of ours name versions of things, and not bytes.
    this.disable('etag');
    // Values of parameters are texts, never objects.
    this.set('query parser', 'simple');
  }

  override initHttpServer(): void {
    this.setHttpServer(this.door.server);
  }

  /** The door is closed by whoever has opened it. */
  override close(): Promise<void> {
    return Promise.resolve();
  }
}
