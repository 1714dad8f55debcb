import type { Clock, Logger, Random } from '@sluice/base';
import type { ConfigValues } from '../configs/changes';
import { resolveConfigs } from '../configs/resolve';
import type { CatalogLimits } from './catalog-limits';
import type { TopicFollower } from './follower';
import { registryField, type Topic } from './topic';
import type { TopicRegistry } from './topic-registry';
import type { TopicView } from './view';

/** What every change of the catalogue uses. */
export interface CatalogParts {
  readonly registry: TopicRegistry;
  readonly view: TopicView;
  readonly follower: TopicFollower;
  readonly limits: CatalogLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Why Redis cannot say that a record is on so many disks of replicas too; null: it can. */
  readonly diskProblem: (copies: number) => Promise<string | null>;
}

/**
 * Why configs cannot be had with this Redis; null: they can, or they ask for no more than before.
 *
 * @throws RedisUnavailable | UnknownOutcome when Redis cannot be asked
 */
export async function durabilityProblem(
  { diskProblem }: Pick<CatalogParts, 'diskProblem'>,
  configs: ConfigValues,
  before: ConfigValues = {},
): Promise<string | null> {
  const { confirmations } = resolveConfigs({ configs });
  if (confirmations === null || confirmations.awaited.disk === 'none') return null;
  if (confirmations.awaited === resolveConfigs({ configs: before }).confirmations?.awaited) {
    return null;
  }
  const problem = await diskProblem(confirmations.awaited.copies);
  return problem === null ? null : `sluice.ack.disk: ${problem}`;
}

/** Takes over this process' own change; returns the topic as the view has it now. */
export async function accept(
  { follower, view }: CatalogParts,
  topic: Topic,
  change: { version: number; text: string | null },
): Promise<Topic> {
  await follower.accept({ ...change, field: registryField(topic.name) });
  return view.byId(topic.id) ?? topic;
}

/** Says, where a topic is compacted, that this is not done yet. */
export function warnOfCompaction({ log }: CatalogParts, topic: Topic): void {
  if (!resolveConfigs(topic).compacted) return;
  log.warn('a compacted topic keeps every record: compaction is not available', {
    topic: topic.name,
  });
}
