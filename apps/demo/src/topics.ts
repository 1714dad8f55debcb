/** What customers order; the key is the customer. */
export const ordersTopic = 'shop.orders';
/** What they were charged; the key is the customer. */
export const chargesTopic = 'shop.charges';

/** An order, as it is in its topic. */
export interface Order {
  id: string;
  customer: string;
  cents: number;
}
