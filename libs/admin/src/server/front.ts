import type { IncomingMessage, ServerResponse } from 'node:http';
import helmet from 'helmet';
import type { Clock, Logger, Random } from '@sluice/base';
import { problemOfError } from '../http/problem-of-error';
import { Problem } from '../http/problems';
import { ApiKeys } from '../keys/api-keys';
import { adminLimits } from '../limits';
import type { AdminOptions } from '../options';
import { CallRates } from './call-rates';
import { callerOf } from './credentials';
import { factsOf, noteFacts, type Caller } from './request-facts';
import { checkSite } from './same-site';
import { sendProblem } from './send-problem';

interface FrontDeps {
  options: AdminOptions;
  clock: Clock;
  random: Random;
  log: Logger;
}

/** Ids that callers give their requests themselves. */
const requestIdPattern = /^[\w.:-]{1,64}$/;

/**
 * What every request passes before a controller sees it: it gets an id and headers for browsers,
 * its caller is found out and counted. Its body is read later, where its caller may do what it
 * asks for.
 */
export class Front {
  readonly #keys: ApiKeys;
  readonly #calls: CallRates;
  readonly #wrongKeys: CallRates;
  readonly #helmet = helmet({
    // It is HTTP: whoever puts TLS before it sets this there.
    strictTransportSecurity: false,
    contentSecurityPolicy: { directives: { upgradeInsecureRequests: null } },
  });

  constructor(private readonly deps: FrontDeps) {
    const { options, clock } = deps;
    this.#keys = new ApiKeys(options.keys);
    const { requestsPerSecond } = options;
    const { requestsBurstSeconds, wrongKeysBurstMax, wrongKeysPerSecondMax } = adminLimits;
    const burstMax = requestsBurstSeconds * requestsPerSecond;
    this.#calls = new CallRates({ burstMax, perSecondMax: requestsPerSecond }, clock);
    const rate = { burstMax: wrongKeysBurstMax, perSecondMax: wrongKeysPerSecondMax };
    this.#wrongKeys = new CallRates(rate, clock);
  }

  /** A middleware of Express. */
  readonly admit = (request: IncomingMessage, response: ServerResponse, next: () => void): void => {
    this.#note(request, response);
    response.setHeader('Cache-Control', 'no-store');
    this.#helmet(request, response, () => this.#receive(request, response, next));
  };

  #receive(request: IncomingMessage, response: ServerResponse, next: () => void): void {
    try {
      this.#pass(request);
    } catch (error) {
      // A caller that is gone gets no answer.
      if (response.destroyed) return;
      return sendProblem(request, response, problemOfError(error) ?? this.#fault(error));
    }
    next();
  }

  /** Gives the request its id, and a line in the log when it is done. */
  #note(request: IncomingMessage, response: ServerResponse): void {
    const { clock, random, log } = this.deps;
    const given = request.headers['x-request-id'];
    const isUsable = typeof given === 'string' && requestIdPattern.test(given);
    const id = isUsable ? given : random.uuid();
    noteFacts(request, { id, caller: null });
    response.setHeader('X-Request-Id', id);
    const startMs = clock.monotonicMs();
    // What follows the path may name what somebody looks for.
    const [path] = (request.url ?? '').split('?');
    const { method } = request;
    response.once('close', () => {
      const { statusCode: status } = response;
      const tookMs = Math.round(clock.monotonicMs() - startMs);
      const key = factsOf(request).caller?.name;
      log.debug('admin request', { id, method, path, status, tookMs, key });
    });
  }

  #pass(request: IncomingMessage): void {
    checkSite(request, { isOpen: this.#keys.isEmpty });
    const { caller, refusal } = this.#callerOf(request);
    noteFacts(request, { ...factsOf(request), caller, refusal });
    throttle(this.#calls.take(this.#countedAs(request, caller, refusal)));
  }

  /**
   * Many callers may have one address, as behind a proxy: whoever sends wrong keys from there keeps
   * out neither those with a right one nor those that need none.
   */
  #callerOf(request: IncomingMessage): { caller: Caller | null; refusal?: Problem } {
    try {
      return { caller: callerOf(request, this.#keys) };
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      const waitSeconds = this.#wrongKeys.take(addressOf(request));
      return { caller: null, refusal: waitSeconds === 0 ? error : tooMany(waitSeconds) };
    }
  }

  #countedAs(request: IncomingMessage, caller: Caller | null, refusal?: Problem): string {
    // No key's name has a sign like these.
    if (refusal !== undefined) return `!${addressOf(request)}`;
    return caller === null || this.#keys.isEmpty ? `@${addressOf(request)}` : caller.name;
  }

  #fault(error: unknown): Problem {
    const { stack } = error as Error;
    this.deps.log.error('an admin request could not be received', { error: stack });
    return new Problem('internal-error', 'The log of the gateway has the reason.');
  }
}

function addressOf({ socket }: IncomingMessage): string {
  return socket.remoteAddress ?? '';
}

function throttle(waitSeconds: number): void {
  if (waitSeconds > 0) throw tooMany(waitSeconds);
}

function tooMany(waitSeconds: number): Problem {
  const detail = `Wait ${waitSeconds} s before the next request.`;
  return new Problem('too-many-requests', detail, { retryAfterSeconds: waitSeconds });
}
