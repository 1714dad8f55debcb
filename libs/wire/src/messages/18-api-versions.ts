import { api } from '../api';
import { array, bool, int16, int32, int64, string } from '../schema';

/**
 * ApiVersions: which APIs and versions the broker serves.
 *
 * v1: throttle time. v3: flexible (but never the response's header); name and version of the
 * client; features. v4: features may start at version 0.
 */
export const ApiVersions = api(
  18,
  { name: 'ApiVersions', versions: '0-4', flexible: '3+' },
  {
    request: { clientSoftwareName: string.since(3), clientSoftwareVersion: string.since(3) },
    response: {
      errorCode: int16,
      apiKeys: array({ apiKey: int16, minVersion: int16, maxVersion: int16 }),
      throttleTimeMs: int32.since(1),
      supportedFeatures: array({ name: string, minVersion: int16, maxVersion: int16 }).tag(0, 3),
      finalizedFeaturesEpoch: int64.tag(1, 3).default(-1),
      finalizedFeatures: array({
        name: string,
        maxVersionLevel: int16,
        minVersionLevel: int16,
      }).tag(2, 3),
      zkMigrationReady: bool.tag(3, 3),
    },
  },
);
