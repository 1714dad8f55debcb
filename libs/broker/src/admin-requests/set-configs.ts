import type { ConfigRequest } from '@sluice/log';
import { ErrorCode } from '@sluice/wire';
import type { BrokerServices } from '../requests/context';
import { done, orRefusal, type Outcome, refuse } from './outcome';

/** Changes the configs of a topic, or only checks the change. */
export async function setTopicConfigs(
  { catalog, log }: BrokerServices,
  topic: string,
  change: ConfigRequest,
  validateOnly: boolean,
): Promise<Outcome> {
  const outcome = await orRefusal(() => catalog.setConfigs(topic, change, { validateOnly }));
  if ('errorCode' in outcome) return outcome;
  if ('updated' in outcome) {
    if (!validateOnly) log.info('configs of a topic changed', { topic });
    return done;
  }
  const isUnknown = outcome.refused === 'unknown-topic';
  const errorCode = isUnknown ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_CONFIG;
  return refuse(errorCode, outcome.message);
}
