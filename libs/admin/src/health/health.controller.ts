import {
  Controller,
  Inject,
  Res,
  ServiceUnavailableException,
  VERSION_NEUTRAL,
} from '@nestjs/common';
import {
  HealthCheckService,
  HealthIndicatorService,
  type HealthCheckResult,
  type HealthIndicatorResult,
} from '@nestjs/terminus';
import type { Logger } from '@sluice/base';
import type { Housekeeping } from '@sluice/retention';
import type { Response } from 'express';
import type { AdminParts, DoorParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { ADMIN_PARTS } from '../tokens';
import { Health } from './health.views';

/** A worker has no broker. */
type HealthParts = DoorParts & Partial<Pick<AdminParts, 'broker'>>;

/** A part that readiness looks at. */
interface HealthProbe {
  /** As `redis`. */
  readonly name: string;
  /** Whether clients are served without it, if not for ever. */
  readonly isSpare?: boolean;
  /** Why it is down, in words; undefined: it is up. */
  problem(): string | undefined | Promise<string | undefined>;
}

/** For whoever runs the gateway: whether to restart it, and whether to send it clients. */
@Controller({ path: 'health', version: VERSION_NEUTRAL })
export class HealthController {
  readonly #probes: readonly HealthProbe[];

  constructor(
    private readonly checks: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    @Inject(ADMIN_PARTS) { redis, broker, housekeeping, log }: HealthParts,
  ) {
    const kafka = broker && {
      name: 'kafka',
      problem: () => (broker.isListening ? undefined : 'the listener is closed'),
    };
    this.#probes = [
      {
        name: 'redis',
        problem: () => (redis.status().connected ? undefined : 'there is no usable connection'),
      },
      ...(kafka ? [kafka] : []),
      { name: 'worker', isSpare: true, problem: () => missingWorker(housekeeping, log) },
    ];
  }

  @Endpoint('GET', 'live', {
    role: 'open',
    summary: 'Whether the process works',
    about: 'Answers as long as the process does. Redis may be away: a restart would not help that.',
    answers: () => Health,
    example: { status: 'ok', info: {}, error: {}, details: {} },
  })
  getLiveness(): Promise<HealthCheckResult> {
    return this.checks.check([]);
  }

  @Endpoint('GET', 'ready', {
    role: 'open',
    summary: 'Whether clients can be served',
    about:
      'Answers 503 when a part is down, and says which. The body is the same in both cases, and ' +
      'no problem document. Without a retention worker clients are served, and nothing is ' +
      'trimmed: the status is `degraded`, and the answer 200.',
    answers: () => Health,
    example: {
      status: 'ok',
      info: { redis: { status: 'up' }, kafka: { status: 'up' }, worker: { status: 'up' } },
      error: {},
      details: { redis: { status: 'up' }, kafka: { status: 'up' }, worker: { status: 'up' } },
    },
  })
  async getReadiness(@Res({ passthrough: true }) response: Response): Promise<object> {
    try {
      return await this.checks.check(this.#probes.map((probe) => () => this.#ask(probe)));
    } catch (error) {
      if (!(error instanceof ServiceUnavailableException)) throw error;
      response.status(error.getStatus());
      response.setHeader('Retry-After', '1');
      return error.getResponse() as object;
    }
  }

  async #ask({ name, isSpare, problem }: HealthProbe): Promise<HealthIndicatorResult> {
    const indicator = this.indicators.check(name);
    const message = await problem();
    if (message === undefined) return indicator.up();
    return isSpare ? indicator.degraded({ message }) : indicator.down({ message });
  }
}

async function missingWorker(housekeeping: Housekeeping, log: Logger): Promise<string | undefined> {
  try {
    if ((await housekeeping.workers()) > 0) return undefined;
    return 'no retention worker is there; nothing is trimmed';
  } catch (error) {
    // Whoever asks needs no key, and the reason may name addresses and keys of Redis.
    log.debug('whether there is a retention worker cannot be asked', {
      reason: (error as Error).message,
    });
    return 'it cannot be asked for';
  }
}
