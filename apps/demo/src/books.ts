import { Controller, Injectable } from '@nestjs/common';
import { Ctx, Payload } from '@nestjs/microservices';
import { streamHeaders, StreamHandler, type StreamContext } from '@sluice/transport';
import { randomUUID } from 'node:crypto';
import { chargesTopic, ordersTopic, type Order } from './topics';

/** What a customer has paid. */
export interface Account {
  cents: number;
  orders: number;
}

/** An order that could not be charged, and why. */
export interface DeadOrder {
  order: Order;
  reason: string;
  error: string;
}

/** Dead orders that are shown; older ones are in their topic. */
const deadOrdersMax = 100;

/** The books as they are in memory: made of the topics, from their beginning, at each start. */
@Injectable()
export class Books {
  readonly #charged = new Map<string, Map<string, number>>();
  readonly #dead: DeadOrder[] = [];

  /** A charge that comes again changes nothing. */
  charge({ customer, id, cents }: Order): void {
    const orders = this.#charged.get(customer) ?? new Map<string, number>();
    this.#charged.set(customer, orders.set(id, cents));
  }

  bury(dead: DeadOrder): void {
    this.#dead.push(dead);
    if (this.#dead.length > deadOrdersMax) this.#dead.shift();
  }

  totalOf(customer: string): Account {
    const amounts = [...(this.#charged.get(customer)?.values() ?? [])];
    return { cents: amounts.reduce((sum, one) => sum + one, 0), orders: amounts.length };
  }

  totals(): Record<string, Account> {
    const customers = [...this.#charged.keys()];
    return Object.fromEntries(customers.map((one) => [one, this.totalOf(one)]));
  }

  deadOrders(): readonly DeadOrder[] {
    return this.#dead;
  }
}

/** A group of this process alone: it reads everything, from the start. */
const group = `shop.books.${randomUUID()}`;

@Controller()
export class BooksController {
  constructor(private readonly books: Books) {}

  @StreamHandler(chargesTopic, { group, startFrom: 'start' })
  charged(@Payload() order: Order): void {
    this.books.charge(order);
  }

  @StreamHandler(`${ordersTopic}.dlq`, { group, startFrom: 'start', deadLetter: false })
  failed(@Payload() order: Order, @Ctx() context: StreamContext): void {
    const header = (name: string) => String(context.getHeader(name) ?? '');
    const reason = header(streamHeaders.reason);
    this.books.bury({ order, reason, error: header(streamHeaders.errorMessage) });
  }
}
