import { api } from '../api';
import { int16, int32, nullable, string } from '../schema';

/** Heartbeat: a member is alive. v1: throttle time. v3: static members. v4: flexible. */
export const Heartbeat = api(
  12,
  { name: 'Heartbeat', versions: '0-4', flexible: '4+' },
  {
    request: {
      groupId: string,
      generationId: int32,
      memberId: string,
      groupInstanceId: nullable(string).since(3),
    },
    response: { throttleTimeMs: int32.since(1), errorCode: int16 },
  },
);
