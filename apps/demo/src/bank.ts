import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { UnrecoverableStreamException } from '@sluice/transport';
import { SHOP_SETTINGS, type ShopSettings } from './settings';
import type { Order } from './topics';

/** No card is good for more. */
const limitCents = 500_000;

/** A bank that does not always answer: the same attempts fail whenever the same seed is set. */
@Injectable()
export class Bank {
  constructor(@Inject(SHOP_SETTINGS) private readonly settings: ShopSettings) {}

  /** @throws Error now and then; UnrecoverableStreamException for what no card is good for */
  charge({ cents }: Order, { jobId, attempt }: { jobId: string; attempt: number }): void {
    if (cents > limitCents) throw new UnrecoverableStreamException('the card is not good for it');
    const { seed, failuresPercent } = this.settings;
    const dice = createHash('sha256').update(`${seed}/${jobId}/${attempt}`).digest().readUInt32BE();
    if (dice % 100 < failuresPercent) throw new Error('the bank does not answer');
  }
}
