export { retentionLimits } from './limits';
