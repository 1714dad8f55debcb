import { ApiVersions, ErrorCode } from '@sluice/wire';
import { handle, registeredHandlers } from '../requests/handler';

/** What a client may call itself (KIP-511). */
const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;
/** The first version in which the client names its software. */
const namedVersion = 3;

/**
 * Tools tell by the level of this feature which Kafka they talk to; 25 is Kafka 4.0's. Features by
 * which clients change what they do, such as transaction.version, are not there.
 */
const metadataVersion = { name: 'metadata.version', level: 25 };
/** Rises when the features change; they never have. */
const featuresEpoch = 0;

const features = {
  supportedFeatures: [
    {
      name: metadataVersion.name,
      minVersion: metadataVersion.level,
      maxVersion: metadataVersion.level,
    },
  ],
  finalizedFeaturesEpoch: featuresEpoch,
  finalizedFeatures: [
    {
      name: metadataVersion.name,
      minVersionLevel: metadataVersion.level,
      maxVersionLevel: metadataVersion.level,
    },
  ],
} as const;

/**
 * ApiVersions, v0–v4. The list is made from the registered handlers, so it cannot promise what is
 * not there. v3: features, of which there is one: metadata.version. A version beyond 4 is answered
 * in v0's form with UNSUPPORTED_VERSION.
 */
export const apiVersions = handle(ApiVersions, ({ apiVersion }, request) => {
  const { clientSoftwareName, clientSoftwareVersion } = request;
  const named = softwareName.test(clientSoftwareName) && softwareName.test(clientSoftwareVersion);
  if (apiVersion >= namedVersion && !named)
    return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] };
  return { errorCode: ErrorCode.NONE, apiKeys: advertisedApis(), ...features };
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
