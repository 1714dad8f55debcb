import { Injectable } from '@nestjs/common';
import { StreamJob, type StreamJobContext } from '@sluice/jobs';
import { StreamRecordBuilder, StreamsClient } from '@sluice/transport';
import { Bank } from './bank';
import { chargesTopic, ordersTopic, type Order } from './topics';

/**
 * Charges each order. It may be called twice for one order: when the process dies before the job is
 * noted as done. So the charge carries the order's id, by which the books tell it again.
 */
@Injectable()
export class Payments {
  constructor(
    private readonly bank: Bank,
    private readonly streams: StreamsClient,
  ) {}

  @StreamJob(ordersTopic, {
    queue: 'shop-payments',
    attempts: 12,
    backoff: { type: 'exponential', delay: 20, jitter: 0.5 },
    concurrency: 8,
    lockDuration: 5_000,
  })
  async charge(order: Order, { jobId, attempt }: StreamJobContext): Promise<void> {
    this.bank.charge(order, { jobId, attempt });
    const charge = new StreamRecordBuilder(order).setKey(order.customer).build();
    await this.streams.publish(chargesTopic, charge);
  }
}
