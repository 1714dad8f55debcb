import { ApiVersions, ErrorCode } from '@sluice/wire';
import { handle, registeredHandlers } from '../requests/handler';

/** What a client may call itself (KIP-511). */
const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
/** The first version in which the client names its software. */
const namedVersion = 3;

/**
 * ApiVersions, v0–v4. The list is made from the registered handlers, so it cannot promise what is
 * not there. A version beyond 4 is answered in v0's form with UNSUPPORTED_VERSION. Not covered:
 * features (none exist).
 */
export const apiVersions = handle(ApiVersions, ({ apiVersion }, request) => {
  const { clientSoftwareName, clientSoftwareVersion } = request;
  const named = softwareName.test(clientSoftwareName) && softwareName.test(clientSoftwareVersion);
  if (apiVersion >= namedVersion && !named)
    return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] };
  return { errorCode: ErrorCode.NONE, apiKeys: advertisedApis() };
});

/** Every API key with the range of versions that clients may use. */
function advertisedApis(): { apiKey: number; minVersion: number; maxVersion: number }[] {
  return registeredHandlers().map(({ api }) => ({
    apiKey: api.key,
    minVersion: api.versions.min,
    maxVersion: api.versions.max,
  }));
}

/** The answer to an ApiVersions request of a version that is not served: how to ask instead. */
export function unsupportedVersionResponse() {
  const apiKeys = advertisedApis().filter(({ apiKey }) => apiKey === ApiVersions.key);
  return { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys };
}
