import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { StreamRecordBuilder, StreamsClient } from '@sluice/transport';
import { Books, type Account, type DeadOrder } from './books';
import { OrderDto } from './order.dto';
import { ordersTopic } from './topics';

/** Where an order was written. */
interface Accepted {
  id: string;
  partition: number;
  offset: number;
}

@Controller()
export class ShopController {
  constructor(
    private readonly streams: StreamsClient,
    private readonly books: Books,
  ) {}

  /** The answer comes when the order is in Redis: from here on it cannot be lost. */
  @Post('orders')
  @HttpCode(202)
  async order(@Body() order: OrderDto): Promise<Accepted> {
    const record = new StreamRecordBuilder({ ...order }).setKey(order.customer).build();
    const { partition, offset } = await this.streams.publish(ordersTopic, record);
    return { id: order.id, partition, offset };
  }

  /** What each customer has paid so far. */
  @Get('totals')
  totals(): Record<string, Account> {
    return this.books.totals();
  }

  @Get('totals/:customer')
  total(@Param('customer') customer: string): Account {
    return this.books.totalOf(customer);
  }

  /** Orders that could not be charged. */
  @Get('dead-letters')
  deadLetters(): readonly DeadOrder[] {
    return this.books.deadOrders();
  }
}
