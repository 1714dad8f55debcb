import type { Part } from '@sluice/base';
import { StreamConsumer } from '../consumer/stream-consumer';
import { StreamProducer } from '../producer/stream-producer';
import { StreamsConnection } from './streams-connection';

const sink = { begin: () => undefined, records: () => undefined } as never;
const makers: Record<string, (connection: StreamsConnection) => { close(): Promise<void> }> = {
  producer: (connection) => new StreamProducer(connection),
  consumer: (connection) => {
    return new StreamConsumer(connection, { group: 'g', topics: ['orders'] }, sink);
  },
};

test.each(Object.keys(makers))(
  'a %s that was closed is not kept by its connection',
  async (kind) => {
    const connection = new StreamsConnection();
    const kept = new Set<Part>();
    const own = connection.own.bind(connection);
    jest.spyOn(connection, 'own').mockImplementation((part) => {
      const letGo = own(part);
      kept.add(part);
      return () => {
        kept.delete(part);
        letGo();
      };
    });
    const made = makers[kind]!(connection);
    expect(kept.size).toBe(1);
    await made.close();
    expect(kept.size).toBe(0);
    await connection.close();
  },
);
