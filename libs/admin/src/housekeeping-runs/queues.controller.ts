import { Controller, Inject } from '@nestjs/common';
import type { AdminParts } from '../admin-parts';
import { Endpoint } from '../http/endpoint';
import { ADMIN_PARTS } from '../tokens';
import { QueueList } from './run.views';

/** The queues of BullMQ; their jobs are the runs of the housekeeping. */
@Controller({ path: 'queues', version: '1' })
export class QueuesController {
  constructor(@Inject(ADMIN_PARTS) private readonly parts: AdminParts) {}

  @Endpoint('GET', '', {
    role: 'read',
    summary: 'Count the jobs of each queue',
    about: 'Single jobs, also those that failed, are under /v1/retention/runs.',
    answers: () => QueueList,
    problems: ['redis-unavailable'],
  })
  async listQueues(): Promise<QueueList> {
    const counts = await this.parts.housekeeping.counts();
    return { queues: [{ name: 'housekeeping', ...counts }] };
  }
}
