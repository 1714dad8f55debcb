// A member of a consumer group in a process of its own, with kafkajs.

import kafkajs from 'kafkajs';
import { endWith, readArguments, say } from './say.mjs';

const { brokers, groupId, topic, sessionTimeout } = readArguments();
const kafka = new kafkajs.Kafka({
  clientId: `member-${process.pid}`,
  brokers,
  logLevel: kafkajs.logLevel.NOTHING,
  retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 60 },
});
const consumer = kafka.consumer({
  groupId,
  sessionTimeout,
  heartbeatInterval: 200,
  maxWaitTimeInMs: 100,
});
endWith(() => consumer.disconnect());
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  say({ partitions: payload.memberAssignment[topic] ?? [] });
});
consumer.on(consumer.events.REBALANCING, () => say({ partitions: null }));
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
await consumer.run({
  autoCommitInterval: 200,
  eachMessage: async ({ partition, message }) => {
    const { offset, value } = message;
    say({ record: { partition, offset: Number(offset), value: value?.toString() ?? null } });
  },
});
