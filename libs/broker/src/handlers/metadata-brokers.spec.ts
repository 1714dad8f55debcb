import type { BrokerInfo } from '@sluice/cluster';
import { ErrorCode, type Metadata, type ResponseInput } from '@sluice/wire';
import type { RequestContext } from '../requests/context';
import { metadata } from './03-metadata';

const topics = ['a', 'b'].map((name) => {
  return { name, id: `id-${name}`, partitions: 2, configs: {}, createdAtMs: 0 };
});
const info = (id: number): BrokerInfo => {
  return { id, host: 'here', port: 9090 + id, rack: null, version: '1.2.3' };
};

/** Brokers 1 and 2 lead a partition of each topic; 2 goes while the epochs are asked for. */
async function askWhileOneGoes(goesAt: number) {
  let brokers = [info(1), info(2)];
  let asked = 0;
  const cluster = {
    selfId: 1,
    controllerId: 1,
    brokers: () => brokers,
    placementsOf: () => [1, 2].map((leaderId) => ({ leaderId, leadership: 0, replicas: [1, 2] })),
  };
  const leaderEpochs = async () => {
    await Promise.resolve();
    if (++asked === goesAt) brokers = [info(1)];
    return [0, 0];
  };
  const catalog = { byName: (name: string) => topics.find((topic) => topic.name === name) };
  const services = { cluster, catalog, partitions: { store: { leaderEpochs } }, options: {} };
  const context = { services, apiVersion: 9 } as unknown as RequestContext;
  const named = topics.map(({ name }) => ({ name, topicId: '' }));
  const answer = metadata.run(context, { topics: named, allowAutoTopicCreation: false });
  return (await answer) as ResponseInput<typeof Metadata>;
}

it.each([1, 2])('names no leader that is not among its brokers (it goes at %i)', async (goesAt) => {
  const answer = await askWhileOneGoes(goesAt);
  expect(answer.brokers.map(({ nodeId }) => nodeId)).toEqual([1]);
  for (const { partitions } of answer.topics) {
    expect(partitions.map(({ leaderId }) => leaderId)).toEqual([1, -1]);
    const codes = partitions.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([ErrorCode.NONE, ErrorCode.LEADER_NOT_AVAILABLE]);
    expect(partitions.map(({ isrNodes }) => isrNodes)).toEqual([[1], [1]]);
  }
});
