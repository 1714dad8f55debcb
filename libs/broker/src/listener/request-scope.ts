import type { BrokerServices, RequestContext } from '../requests/context';
import type { ParsedRequest } from './dispatch';
import type { PendingReply } from './reply-queue';

/** What a handler is told of the request that it answers. */
export class RequestScope implements RequestContext {
  /** False when somebody may still use the request's bytes after its reply. */
  frameIsFree = true;

  constructor(
    readonly services: BrokerServices,
    readonly request: ParsedRequest,
    readonly clientHost: string,
    readonly signal: AbortSignal,
    readonly reply: PendingReply,
  ) {}

  get apiVersion(): number {
    return this.request.apiVersion;
  }

  get clientId(): string {
    return this.request.clientId;
  }

  keepFrame(): void {
    this.frameIsFree = false;
  }

  onReplySent(done: () => void): void {
    this.reply.onSent(done);
  }
}
