import type { Topic } from '@sluice/log';
import { CreatePartitions, ErrorCode, type RequestOf } from '@sluice/wire';
import {
  clusterOutcome,
  liveBrokers,
  notControllerRefusal,
  replicasProblem,
} from '../admin-requests/assignments';
import { eachItem } from '../admin-requests/items';
import { done, orHalfDone, orRefusal, type Outcome, refuse } from '../admin-requests/outcome';
import { addPartitions } from '../admin-requests/topic-changes';
import type { BrokerServices, RequestContext } from '../requests/context';
import { handle } from '../requests/handler';

type Growth = RequestOf<typeof CreatePartitions>['topics'][number];

/**
 * CreatePartitions, v0–v3. v2: flexible. v3: quota errors (none are given). Every topic of the
 * request is answered. Who assigns replicas by hand has to ask the controller.
 */
export const createPartitions = handle(CreatePartitions, async (context, request) => {
  const { timeoutMs, validateOnly } = request;
  const results = await eachItem(
    context,
    {
      items: request.topics,
      keyOf: ({ name }) => name,
      nameOf: ({ name }) => `topic '${name}'`,
      timeoutMs,
    },
    async (topic) => ({ name: topic.name, ...(await grow(context, topic, validateOnly)) }),
    ({ name }, outcome) => ({ name, ...outcome }),
  );
  return { results };
});

async function grow(
  { services }: RequestContext,
  asked: Growth,
  validateOnly: boolean,
): Promise<Outcome> {
  const { name, count } = asked;
  const impossible = assignmentsRefusal(services, asked);
  // What is wrong with the topic or the count is said first, so then both are only checked.
  const terms = { validateOnly: validateOnly || impossible !== undefined };
  const outcome = await orRefusal(() => addPartitions(services, name, count, terms));
  if ('errorCode' in outcome) return outcome;
  if (impossible) return impossible;
  if (validateOnly) return done;
  const halfDone = 'The partitions were added, but their replicas were not assigned';
  return orHalfDone(halfDone, () => assign(services, asked, outcome.updated));
}

async function assign(
  { cluster }: BrokerServices,
  { assignments }: Growth,
  topic: Topic,
): Promise<Outcome> {
  if (assignments === null || assignments.length === 0) return done;
  const from = topic.partitions - assignments.length;
  const replicas = new Map(assignments.map(({ brokerIds }, at) => [from + at, brokerIds]));
  return clusterOutcome(await cluster.assignReplicas(topic, replicas));
}

/** Why the new partitions cannot be where the client wants them; undefined when they can. */
function assignmentsRefusal(
  { catalog, cluster }: BrokerServices,
  { name, count, assignments }: Growth,
): Outcome | undefined {
  const topic = catalog.byName(name);
  // Some clients send an empty list where they mean null: that the broker decides.
  if (!topic || assignments === null || assignments.length === 0) return undefined;
  const added = count - topic.partitions;
  if (assignments.length !== added) {
    return impossible(`${added} partitions would be added, but ${assignments.length} are assigned`);
  }
  const live = liveBrokers(cluster);
  for (const [index, { brokerIds }] of assignments.entries()) {
    const problem = replicasProblem(brokerIds, live);
    if (problem) return impossible(`Partition ${topic.partitions + index}: ${problem}`);
  }
  return notControllerRefusal(cluster);
}

function impossible(problem: string): Outcome {
  return refuse(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
}
