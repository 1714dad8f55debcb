import { DescribeUserScramCredentials, ErrorCode } from '@sluice/wire';
import { done, refuse } from '../admin-requests/outcome';
import { handle } from '../requests/handler';

/**
 * DescribeUserScramCredentials, v0. There are no users: none is listed, and each that is named is
 * RESOURCE_NOT_FOUND, or DUPLICATE_RESOURCE where it is named twice, as in Kafka.
 */
export const describeUserScramCredentials = handle(DescribeUserScramCredentials, (_, { users }) => {
  const timesNamed = new Map<string, number>();
  for (const { name } of users ?? []) timesNamed.set(name, (timesNamed.get(name) ?? 0) + 1);
  const results = [...timesNamed].map(([user, times]) => {
    const { RESOURCE_NOT_FOUND, DUPLICATE_RESOURCE } = ErrorCode;
    const outcome =
      times === 1
        ? refuse(RESOURCE_NOT_FOUND, `There is no user '${user}' with SCRAM credentials`)
        : refuse(DUPLICATE_RESOURCE, `Named more than once in one request: user '${user}'`);
    return { user, ...outcome, credentialInfos: [] };
  });
  return { ...done, results };
});
