export { retentionLimits } from './limits';
export {
  checkIntervalMs,
  TopicTrimmer,
  type TopicTrimmerDeps,
  type TrimReport,
} from './trim/topic-trimmer';
