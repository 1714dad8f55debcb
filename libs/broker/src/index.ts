export { brokerMetrics } from './metrics';
export { Broker } from './broker';
export type { BrokerParts } from './broker';
export { defaultBrokerOptions } from './options';
export type { BrokerOptions } from './options';
export type { InterceptAction, Interception, InterceptOptions } from './requests/interceptions';
export { registeredHandlers } from './requests/handler';
