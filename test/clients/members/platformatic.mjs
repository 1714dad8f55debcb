// A member of a consumer group in a process of its own, with @platformatic/kafka.

import '../../support/newer-node.cjs';
import { endWith, readArguments, say } from './say.mjs';

const { Consumer } = await import('@platformatic/kafka');
const { brokers, groupId, topic, sessionTimeout } = readArguments();
const consumer = new Consumer({
  clientId: `member-${process.pid}`,
  bootstrapBrokers: brokers,
  groupId,
  sessionTimeout,
  rebalanceTimeout: Math.max(sessionTimeout, 10_000),
  heartbeatInterval: 200,
  maxWaitTime: 100,
  retries: 60,
  retryDelay: 100,
});
consumer.on('consumer:group:join', ({ assignments }) => {
  const own = assignments?.find((assignment) => assignment.topic === topic);
  say({ partitions: own?.partitions ?? [] });
});
consumer.on('consumer:group:rebalance', () => say({ partitions: null }));
let stream;
endWith(async () => {
  await stream?.close();
  await consumer.close(stream === undefined);
});
stream = await consumer.consume({
  topics: [topic],
  mode: 'committed',
  fallbackMode: 'earliest',
  autocommit: 200,
});
for await (const { partition, offset, value } of stream) {
  say({ record: { partition, offset: Number(offset), value: value?.toString() ?? null } });
}
