import type { MemoryBudget } from '@sluice/base';
import type { Idempotency } from '@sluice/log';
import type { BrokerServices } from '../requests/context';

/** What the records door uses: what the handlers of Kafka's requests use, and little beside. */
export interface DoorServices extends BrokerServices {
  readonly idempotency: Idempotency;
  /** Bytes of records that are being produced through this door. */
  readonly produceBudget: MemoryBudget;
}
