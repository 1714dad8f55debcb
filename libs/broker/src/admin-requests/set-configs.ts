import type { ConfigRequest, ConfigTerms, Topic } from '@sluice/log';
import { ErrorCode } from '@sluice/wire';
import type { BrokerServices } from '../requests/context';
import { type Outcome, refuse } from './outcome';
import type { ChangeTerms } from './topic-changes';

/**
 * Changes the configs of a topic, or only checks the change.
 *
 * @throws RedisUnavailable | UnknownOutcome as `TopicCatalog.setConfigs`
 */
export async function setTopicConfigs(
  { catalog, log }: BrokerServices,
  topic: string,
  change: ConfigRequest,
  terms: ConfigTerms & ChangeTerms,
): Promise<{ updated: Topic } | { changedMeanwhile: Topic } | Outcome> {
  const outcome = await catalog.setConfigs(topic, change, terms);
  if ('changedMeanwhile' in outcome) return outcome;
  if ('updated' in outcome) {
    if (!terms.validateOnly) log.info('configs of a topic changed', { topic });
    return outcome;
  }
  const isUnknown = outcome.refused === 'unknown-topic';
  const errorCode = isUnknown ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_CONFIG;
  return refuse(errorCode, outcome.message);
}
