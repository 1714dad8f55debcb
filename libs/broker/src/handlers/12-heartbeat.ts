import { ErrorCode, Heartbeat } from '@sluice/wire';
import { handle } from '../requests/handler';

/**
 * Heartbeat, v0–v4. v3: static members. v4: flexible. While the group is still being read nothing
 * is wrong, as in Kafka. Not covered: nothing.
 */
export const heartbeat = handle(Heartbeat, async ({ services }, request) => {
  const { errorCode } = await services.groups.heartbeat(request);
  const isLoading = errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
  return { errorCode: isLoading ? ErrorCode.NONE : errorCode };
});
