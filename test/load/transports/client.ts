import { ClientKafka, ClientRedis } from '@nestjs/microservices';
import { StreamsClient } from '@sluice/transport';
import { logLevel, Partitioners } from 'kafkajs';
import { patternsOf, type BenchClient, type PeerModule, type TransportWork } from './work';

/** A connected client of that transport, with its defaults but where the kind says otherwise. */
export async function clientOf(work: TransportWork): Promise<BenchClient> {
  const client = await newClient(work);
  await client.connect();
  return client;
}

async function newClient(work: TransportWork): Promise<BenchClient> {
  const { kind, redisUrl, kafkaPort, peerEntry } = work;
  const { hostname: host, port } = new URL(redisUrl);
  switch (kind) {
    case 'sluice':
      return new StreamsClient({ connection: { redisUrl } });
    case 'sluice-at-most-once':
      return new StreamsClient({
        connection: { redisUrl },
        producer: { acks: 1, idempotent: false },
      });
    case 'nest-redis':
      return new ClientRedis({ host, port: Number(port) });
    case 'nest-kafka': {
      const client = new ClientKafka({
        client: { brokers: [`127.0.0.1:${kafkaPort}`], logLevel: logLevel.ERROR },
        consumer: { groupId: kind },
        producer: { createPartitioner: Partitioners.DefaultPartitioner },
      });
      client.subscribeToResponseOf(patternsOf(kind).requests);
      return client;
    }
    case 'streams-peer': {
      const { RedisStreamClient } = (await import(peerEntry)) as PeerModule;
      return new RedisStreamClient({ url: redisUrl });
    }
  }
}
