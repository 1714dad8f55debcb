import { CreatePartitions, ErrorCode, type RequestOf } from '@sluice/wire';
import { replicasProblem } from '../admin-requests/assignments';
import { eachItem } from '../admin-requests/items';
import { done, orRefusal, type Outcome, refuse } from '../admin-requests/outcome';
import { addPartitions } from '../admin-requests/topic-changes';
import type { BrokerServices, RequestContext } from '../requests/context';
import { handle } from '../requests/handler';

type Growth = RequestOf<typeof CreatePartitions>['topics'][number];

/**
 * CreatePartitions, v0–v3. v2: flexible. v3: quota errors (none are given). Every topic of the
 * request is answered. Not covered: replicas on other brokers.
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
  const problem = assignmentsProblem(services, asked);
  // What is wrong with the topic or the count is said first, so then both are only checked.
  const terms = { validateOnly: validateOnly || problem !== undefined };
  const outcome = await orRefusal(() => addPartitions(services, name, count, terms));
  if ('errorCode' in outcome) return outcome;
  if (problem) return refuse(ErrorCode.INVALID_REPLICA_ASSIGNMENT, problem);
  return done;
}

/** Why the new partitions cannot be where the client wants them; undefined when they can. */
function assignmentsProblem(
  { catalog, options }: BrokerServices,
  { name, count, assignments }: Growth,
): string | undefined {
  const topic = catalog.byName(name);
  // Some clients send an empty list where they mean null: that the broker decides.
  if (!topic || assignments === null || assignments.length === 0) return undefined;
  const added = count - topic.partitions;
  if (assignments.length !== added) {
    return `${added} partitions would be added, but ${assignments.length} are assigned`;
  }
  for (const [index, { brokerIds }] of assignments.entries()) {
    const problem = replicasProblem(brokerIds, options.brokerId);
    if (problem) return `Partition ${topic.partitions + index}: ${problem}`;
  }
  return undefined;
}
