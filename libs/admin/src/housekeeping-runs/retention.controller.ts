import { Body, Controller, Inject, Param, Query, Req, Res } from '@nestjs/common';
import type { Request, Response } from 'express';
import type { AdminParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { Problem } from '../http/problems';
import { allows } from '../keys/api-keys';
import { factsOf } from '../server/request-facts';
import { ADMIN_PARTS } from '../tokens';
import { AskedRun, RetentionView, RunBody, RunPage, RunsQuery, RunView } from './run.views';

/** Retention and the other housekeeping: how it is set up, what it did, and now. */
@Controller({ path: 'retention', version: '1' })
export class RetentionController {
  constructor(@Inject(ADMIN_PARTS) private readonly parts: AdminParts) {}

  @Endpoint('GET', '', {
    role: 'read',
    summary: 'Describe the housekeeping',
    about: 'What is done how often, the last runs, and the settings of this gateway.',
    answers: () => RetentionView,
    problems: ['redis-unavailable'],
  })
  async describeRetention(): Promise<RetentionView> {
    const { housekeeping } = this.parts;
    const [schedules, runs, { workers }] = await Promise.all([
      housekeeping.schedules(),
      housekeeping.lastRuns(),
      housekeeping.counts(),
    ]);
    const lastRuns = Object.entries(runs).map(([kind, run]) => ({ kind, ...run }));
    const { redisManaged: _redisManaged, ...settings } = housekeeping.options;
    return { ...settings, workers, schedules, lastRuns };
  }

  @Endpoint('GET', 'runs', {
    role: 'read',
    summary: 'List runs of jobs',
    about: 'The newest first.',
    answers: () => RunPage,
    problems: ['redis-unavailable'],
  })
  async listRuns(@Query() { states, limit, offset }: RunsQuery): Promise<RunPage> {
    return { runs: await this.parts.housekeeping.runs({ states, limit, offset }) };
  }

  @Endpoint('GET', 'runs/:run', {
    role: 'read',
    summary: 'Describe a run',
    answers: () => RunView,
    problems: ['unknown-run', 'redis-unavailable'],
  })
  async describeRun(@Param('run') id: string): Promise<RunView> {
    const run = await this.parts.housekeeping.run(id);
    if (run === null) throw unknownRun(id);
    return run;
  }

  @Endpoint('POST', 'runs', {
    role: 'write',
    summary: 'Have a job done now',
    about:
      'By whichever worker takes it. The same that waits already is not done twice. By default ' +
      'all topics are trimmed to their retention.',
    status: 202,
    answers: () => AskedRun,
    problems: ['unknown-topic', 'redis-unavailable', 'outcome-unknown'],
  })
  async runNow(
    @Body() { kind = 'retention', topic }: RunBody,
    @Res({ passthrough: true }) response: Response,
  ): Promise<AskedRun> {
    if (topic !== undefined && kind !== 'retention') {
      const errors = [{ field: 'topic', message: 'only retention is done for one topic' }];
      throw new Problem('invalid-request', 'Leave the topic out.', { errors });
    }
    const asked = await this.parts.housekeeping.runNow({ kind, topic });
    if ('refused' in asked) throw new Problem('unknown-topic', `There is no topic '${topic}'.`);
    return located(asked, response);
  }

  @Endpoint('POST', 'repair', {
    role: 'admin',
    summary: 'Remove what belongs to nothing',
    about: 'A run of fsck that removes the keys which it would else only count.',
    status: 202,
    answers: () => AskedRun,
    problems: ['redis-unavailable', 'outcome-unknown'],
  })
  async repair(@Res({ passthrough: true }) response: Response): Promise<AskedRun> {
    const asked = await this.parts.housekeeping.runNow({ kind: 'fsck', remove: true });
    // Only a topic is ever refused.
    if ('refused' in asked) throw new Problem('internal-error', asked.refused);
    return located(asked, response);
  }

  @Endpoint('POST', 'runs/:run/retry', {
    role: 'write',
    summary: 'Have a failed run tried again',
    about: 'A run of fsck that removes what it finds needs the role admin, as /repair does.',
    status: 204,
    problems: ['unknown-run', 'run-not-failed', 'redis-unavailable', 'outcome-unknown'],
  })
  async retryRun(@Param('run') id: string, @Req() request: Request): Promise<void> {
    const { caller } = factsOf(request);
    if (caller === null || !allows(caller.role, 'admin')) await this.#checkHarmless(id);
    const outcome = await this.parts.housekeeping.retry(id);
    if (outcome === 'not-found') throw unknownRun(id);
    if (outcome === 'not-failed') {
      throw new Problem('run-not-failed', `Run '${id}' has not failed for good.`);
    }
  }

  async #checkHarmless(id: string): Promise<void> {
    // What a run does never changes once it was asked for.
    const run = await this.parts.housekeeping.run(id);
    if (run?.removes !== true) return;
    const detail = `Run '${id}' removes what it finds, and to try it again needs admin.`;
    throw new Problem('role-too-low', detail);
  }
}

function located(asked: AskedRun, response: Response): AskedRun {
  response.setHeader('Location', `/v1/retention/runs/${encodeURIComponent(asked.id)}`);
  return asked;
}

function unknownRun(id: string): Problem {
  return new Problem('unknown-run', `There is no run '${id}', or it was forgotten.`);
}
