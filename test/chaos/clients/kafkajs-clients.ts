import { Kafka, logLevel, Partitioners, type Consumer } from 'kafkajs';
import { hostAndPort } from '../../support/home';
import { replyMsMax, type ClientContext } from './context';
import { LibraryProducerLoop, type LibraryProducer } from './library-producer';
import { LibraryMember } from './library-member';
import type { ProducerPlan } from './raw-producer';
import type { ValuesToSend } from './values';

const retry = { initialRetryTime: 50, maxRetryTime: 500, retries: 30 };
const groupTimes = {
  sessionTimeout: 6_000,
  rebalanceTimeout: 10_000,
  heartbeatInterval: 300,
  maxWaitTimeInMs: 200,
};
const commitEveryMs = 300;

/** A producer of kafkajs. */
export function kafkajsProducer(
  name: string,
  plan: ProducerPlan,
  context: ClientContext,
): LibraryProducerLoop {
  const make = () => connectProducer(kafkaOf(name, context), plan, context.topic);
  return new LibraryProducerLoop(name, 'kafkajs', plan, context, make);
}

function kafkaOf(clientId: string, { seeds }: ClientContext): Kafka {
  return new Kafka({
    clientId,
    brokers: seeds.map(hostAndPort),
    logLevel: logLevel.NOTHING,
    requestTimeout: replyMsMax,
    retry,
  });
}

async function connectProducer(
  kafka: Kafka,
  { idempotent, acks }: ProducerPlan,
  topic: string,
): Promise<LibraryProducer> {
  const createPartitioner = Partitioners.DefaultPartitioner;
  const producer = kafka.producer({ idempotent, maxInFlightRequests: 1, createPartitioner });
  await producer.connect();
  return {
    async send(partition: number, { ids, padding }: ValuesToSend): Promise<number> {
      const messages = ids.map((key) => ({ key, value: padding, partition }));
      const [told] = await producer.send({ topic, acks, messages });
      return Number(told?.baseOffset);
    },
    close: () => producer.disconnect(),
  };
}

/** A member of a group, with kafkajs. */
export function kafkajsMember(name: string, group: string, context: ClientContext): LibraryMember {
  return new LibraryMember(name, 'kafkajs', group, context, async (member) => {
    const consumer = kafkaOf(name, context).consumer({ groupId: group, ...groupTimes });
    listen(consumer, member, context.topic);
    await consumer.connect();
    await consumer.subscribe({ topic: context.topic, fromBeginning: true });
    await consumer.run({
      autoCommitInterval: commitEveryMs,
      eachBatch: async ({ batch }) => {
        const seen = batch.messages.map(({ offset, key }) => [Number(offset), String(key)]);
        member.got(batch.partition, seen as [number, string][], null);
      },
    });
    return { close: () => consumer.disconnect() };
  });
}

function listen(consumer: Consumer, member: LibraryMember, topic: string): void {
  const { GROUP_JOIN, HEARTBEAT, REBALANCING, CRASH } = consumer.events;
  let place = { memberId: '', partitions: [] as number[] };
  let generation = -1;
  consumer.on(GROUP_JOIN, ({ payload: { memberId, memberAssignment } }) => {
    place = { memberId, partitions: memberAssignment[topic] ?? [] };
    generation = -1;
    member.assigned(place.memberId, null, place.partitions);
  });
  // Only a heartbeat tells the generation.
  consumer.on(HEARTBEAT, ({ payload }) => {
    const isOther = payload.memberId !== place.memberId;
    if (isOther || payload.groupGenerationId === generation) return;
    generation = payload.groupGenerationId;
    member.assigned(place.memberId, generation, place.partitions);
  });
  consumer.on(REBALANCING, () => member.assigned(place.memberId, null, null));
  consumer.on(CRASH, ({ payload }) => {
    member.assigned(place.memberId, null, null);
    if (!payload.restart) member.ended();
  });
}
