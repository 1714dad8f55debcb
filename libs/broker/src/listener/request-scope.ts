import type { BrokerServices, RequestContext } from '../requests/context';
import type { AnswerListener } from '../requests/later-answer';
import type { ParsedRequest } from './dispatch';
import type { PendingReply } from './reply-queue';

/** Whose request it is; neither call throws. */
export interface RequestOwner {
  answered(scope: RequestScope, answer: unknown): void;
  failed(scope: RequestScope, error: unknown): void;
}

/**
 * What a handler is told of the request that it answers, and who is told of its answer. One object
 * for both: there is one for each request under way.
 */
export class RequestScope implements RequestContext, AnswerListener {
  /** False when somebody may still use the request's bytes after its reply. */
  frameIsFree = true;

  constructor(
    readonly services: BrokerServices,
    readonly request: ParsedRequest,
    readonly clientHost: string,
    readonly signal: AbortSignal,
    readonly reply: PendingReply,
    private readonly owner: RequestOwner,
  ) {}

  get apiVersion(): number {
    return this.request.apiVersion;
  }

  get clientId(): string {
    return this.request.clientId;
  }

  answered(answer: unknown): void {
    this.owner.answered(this, answer);
  }

  failed(error: unknown): void {
    this.owner.failed(this, error);
  }

  keepFrame(): void {
    this.frameIsFree = false;
  }

  onReplySent(done: () => void): void {
    this.reply.onSent(done);
  }
}
