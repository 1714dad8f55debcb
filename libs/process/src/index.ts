export { processLimits } from './limits';
export { processMetrics } from './metrics/definitions';
export { metricsOfNode, type NodeMetric } from './metrics/exposition';
export { KeptMetrics } from './metrics/kept-metrics';
export { createLogger, nestLogger, type LogFormat, type LogLevel } from './log';
export { explainAdminListen, explainListen } from './listen-error';
export { runMain } from './run-main';
export { runProgram, type Program } from './run-program';
export { loadSettings, type LoadedSettings } from './settings/load';
export {
  adminSettings,
  hostName,
  housekeepingSettings,
  redisSettings,
  runningSettings,
  standaloneRedisUrl,
} from './settings/shared';
export {
  choice,
  defineSettings,
  integer,
  onOff,
  optionalInteger,
  optionalText,
  text,
  type SettingDefinition,
  type SettingsTable,
  type ValuesOfTable,
} from './settings/table';
export { projectVersion } from './version';
