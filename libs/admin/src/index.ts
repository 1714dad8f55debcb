export { adminLimits } from './limits';
