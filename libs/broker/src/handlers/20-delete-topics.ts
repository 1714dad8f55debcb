import { DeleteTopics, ErrorCode, type RequestOf, zeroUuid } from '@sluice/wire';
import { eachItem } from '../admin-requests/items';
import { done, orRefusal, type Outcome, refuse } from '../admin-requests/outcome';
import { deleteTopic } from '../admin-requests/topic-changes';
import type { RequestContext } from '../requests/context';
import { handle } from '../requests/handler';

type NamedTopic = RequestOf<typeof DeleteTopics>['topics'][number];

/** From this version on a topic is named by its name or by its id. */
const topicIdVersion = 6;

/**
 * DeleteTopics, v1–v6. v5: messages. v6: by name or by id. A topic is gone at once, its data are
 * removed in the background, its committed offsets too. Works while Redis is full.
 */
export const deleteTopics = handle(DeleteTopics, async (context, request) => {
  const byName = request.topicNames.map((name) => ({ name, topicId: zeroUuid }));
  const responses = await eachItem(
    context,
    {
      items: context.apiVersion >= topicIdVersion ? request.topics : byName,
      keyOf: ({ name, topicId }) => `${topicId}/${name ?? ''}`,
      nameOf: ({ name, topicId }) => `topic '${name ?? topicId}'`,
      timeoutMs: request.timeoutMs,
    },
    (topic) => remove(context, topic),
    refused,
  );
  return { responses };
});

async function remove({ services }: RequestContext, named: NamedTopic) {
  const { name, topicId } = named;
  const byId = topicId !== zeroUuid;
  if (byId === (name !== null)) {
    const message = 'A topic must be named either by its name or by its id';
    return refused(named, refuse(ErrorCode.INVALID_REQUEST, message));
  }
  const selector = byId ? { id: topicId } : { name: name! };
  const deleted = await orRefusal(() => deleteTopic(services, selector));
  if (deleted === null) return refused(named, unknown(named));
  if ('errorCode' in deleted) return refused(named, deleted);
  return { name: deleted.name, topicId: deleted.id, ...done };
}

function unknown({ name, topicId }: NamedTopic): Outcome {
  return name === null
    ? refuse(ErrorCode.UNKNOWN_TOPIC_ID, `There is no topic with the id ${topicId}`)
    : refuse(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'`);
}

function refused({ name, topicId }: NamedTopic, outcome: Outcome) {
  return { name, topicId, ...outcome };
}
