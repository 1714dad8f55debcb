import { apiKeysOf, apiKeysProblem, type ApiKey } from '@sluice/admin';
import {
  adminSettings,
  defineSettings,
  housekeepingSettings,
  loadSettings,
  redisSettings,
  runningSettings,
  standaloneRedisUrl,
  type LoadedSettings,
  type ValuesOfTable,
} from '@sluice/process';

const { redisManaged, redisFailoverMs, keyPrefix } = redisSettings;
const { logLevel, logFormat } = runningSettings;
/** npm start starts no worker of its own. */
const redisUrl = { ...redisSettings.redisUrl, defaultText: standaloneRedisUrl };

/** Every setting of the worker: those of the gateway that it needs, under the same names. */
export const workerSettings = defineSettings(
  {
    Redis: {
      redisUrl,
      redisManaged: { ...redisManaged, defaultText: 'false' },
      redisFailoverMs,
      keyPrefix,
    },
    Housekeeping: housekeepingSettings,
    'Admin endpoints': adminSettings({
      about: 'Serve /health and /metrics over HTTP.',
      port: 8081,
      keysProblem: apiKeysProblem,
    }),
    Running: { logLevel, logFormat },
  },
  [],
  'node dist/apps/worker/apps/worker/src/main.js',
);

type Declared = ValuesOfTable<typeof workerSettings>;

/** The worker's settings, with the values that follow from others filled in. */
export interface WorkerSettings extends Omit<Declared, 'adminKeys' | 'adminKeysFile'> {
  /** Of the variable and of the file. The keys themselves are not kept, only their hashes. */
  adminKeys: readonly ApiKey[];
}

/** The worker's settings from the environment and the command line; see `loadSettings`. */
export function loadWorkerSettings(
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
): LoadedSettings<WorkerSettings> {
  const loaded = loadSettings(workerSettings, env, argv);
  if (!('settings' in loaded)) return loaded;
  const { adminKeysFile: _, ...others } = loaded.settings;
  const found = apiKeysOf(loaded.settings);
  if ('error' in found) return { errors: [found.error] };
  return { settings: { ...others, adminKeys: found.keys }, warnings: loaded.warnings };
}
