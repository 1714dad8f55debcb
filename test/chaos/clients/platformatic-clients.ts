import '../../support/newer-node.cjs';
import {
  Consumer,
  Producer,
  type ConsumerOptions,
  type Message,
  type ProducerOptions,
} from '@platformatic/kafka';
import { hostAndPort } from '../../support/home';
import { replyMsMax, type ClientContext } from './context';
import { LibraryProducerLoop, type LibraryProducer } from './library-producer';
import { LibraryMember, type RunningConsumer } from './library-member';
import { PlatformaticFetches } from './platformatic-fetches';
import type { ProducerPlan } from './raw-producer';
import type { ValuesToSend } from './values';

const commitEveryMs = 300;
const groupTimes = {
  sessionTimeout: 6_000,
  rebalanceTimeout: 10_000,
  heartbeatInterval: 300,
  maxWaitTime: 200,
};

/** A producer of @platformatic/kafka. */
export function platformaticProducer(
  name: string,
  plan: ProducerPlan,
  context: ClientContext,
): LibraryProducerLoop {
  const make = async () => makeProducer(name, plan, context);
  return new LibraryProducerLoop(name, 'platformatic', plan, context, make);
}

function optionsOf(clientId: string, { seeds }: ClientContext) {
  const bootstrapBrokers = seeds.map(hostAndPort);
  const times = { requestTimeout: replyMsMax, retries: 30, retryDelay: 100 };
  return { clientId, bootstrapBrokers, ...times };
}

function makeProducer(
  name: string,
  { idempotent, acks }: ProducerPlan,
  context: ClientContext,
): LibraryProducer {
  const { topic } = context;
  type Options = ProducerOptions<Buffer, Buffer, Buffer, Buffer>;
  const producer = new Producer({ ...optionsOf(name, context), idempotent } as Options);
  return {
    async send(partition: number, { ids, padding }: ValuesToSend): Promise<number> {
      const messages = ids.map((id) => ({
        topic,
        partition,
        key: Buffer.from(id),
        value: padding,
      }));
      const { offsets } = await producer.send({ messages, acks, idempotent });
      return Number(offsets?.[0]?.offset);
    },
    close: () => producer.close(),
  };
}

/** A member of a group, with @platformatic/kafka. */
export function platformaticMember(
  name: string,
  group: string,
  context: ClientContext,
): LibraryMember {
  return new LibraryMember(name, 'platformatic', group, context, async (member) => {
    type Options = ConsumerOptions<Buffer, Buffer, Buffer, Buffer>;
    const options = { ...optionsOf(name, context), ...groupTimes, groupId: group };
    const consumer = new Consumer(options as Options);
    const fetches = new PlatformaticFetches(consumer, () => member.begin());
    try {
      return await consume(consumer, fetches, member, context);
    } catch (error) {
      fetches.close();
      await consumer.close(true).catch(() => undefined);
      throw error;
    }
  });
}

async function consume(
  consumer: Consumer<Buffer, Buffer, Buffer, Buffer>,
  fetches: PlatformaticFetches,
  member: LibraryMember,
  { topic, gatewayAt }: ClientContext,
): Promise<RunningConsumer> {
  consumer.on('consumer:group:join', ({ memberId, generationId, assignments }) => {
    const own = assignments?.find((assignment) => assignment.topic === topic);
    member.assigned(memberId, generationId ?? null, own?.partitions ?? []);
  });
  // It has given up, and does not come back by itself.
  consumer.on('error', () => member.ended());
  consumer.on('consumer:group:rebalance', () => member.assigned('', null, null));
  const stream = await consumer.consume({
    topics: [topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    autocommit: commitEveryMs,
  });
  const notePositions = () => {
    const own = consumer.assignments?.find((assignment) => assignment.topic === topic);
    for (const partition of own?.partitions ?? []) {
      const offset = stream.offsetsToFetch.get(`${topic}:${partition}`);
      if (offset !== undefined) member.placed(partition, Number(offset));
    }
  };
  notePositions();
  stream.on('offsets', notePositions);
  stream.on('data', (message: Message<Buffer, Buffer, Buffer, Buffer>) => {
    const { partition, offset, key } = message;
    const told = fetches.of(message);
    const gateway = told?.address ? gatewayAt(told.address) : null;
    member.got(partition, [[Number(offset), String(key)]], told && { ...told, gateway });
  });
  stream.once('error', () => member.ended());
  stream.once('close', () => member.ended());
  return {
    async close() {
      await stream.close();
      await consumer.close();
      fetches.close();
    },
  };
}
