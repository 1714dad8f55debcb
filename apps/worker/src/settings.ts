import {
  defineSettings,
  housekeepingSettings,
  loadSettings,
  redisSettings,
  runningSettings,
  standaloneRedisUrl,
  type LoadedSettings,
  type ValuesOfTable,
} from '@sluice/process';

const { redisManaged, keyPrefix } = redisSettings;
const { logLevel, logFormat } = runningSettings;
/** npm start starts no worker of its own. */
const redisUrl = { ...redisSettings.redisUrl, defaultText: standaloneRedisUrl };

/** Every setting of the worker: those of the gateway that it needs, under the same names. */
export const workerSettings = defineSettings(
  {
    Redis: {
      redisUrl,
      redisManaged: { ...redisManaged, defaultText: 'false' },
      keyPrefix,
    },
    Housekeeping: housekeepingSettings,
    Running: { logLevel, logFormat },
  },
  [],
  'node dist/apps/worker/apps/worker/src/main.js',
);

/** The worker's settings. */
export type WorkerSettings = ValuesOfTable<typeof workerSettings>;

/** The worker's settings from the environment and the command line; see `loadSettings`. */
export function loadWorkerSettings(
  env: Readonly<Record<string, string | undefined>>,
  argv: readonly string[],
): LoadedSettings<WorkerSettings> {
  return loadSettings(workerSettings, env, argv);
}
