export type { Redis } from 'ioredis';
export type { ArrivalListener } from './admission';
export { adviseOnServer, checkServer, type Advice } from './checks';
export { reconnectDelayMs } from './connection';
export {
  attempt,
  classify,
  RedisReplyError,
  RedisStartError,
  RedisUnavailable,
  UnknownOutcome,
  type StartProblem,
  type UnavailableReason,
} from './errors';
export { RedisLink, type LinkDeps, type LinkStatus, type ReadyListener } from './link';
export { redisLimits, resolveOptions, type RedisOptions } from './options';
export {
  defineScript,
  Script,
  type Named,
  type RedisArg,
  type ReplyForm,
  type ScriptDeclaration,
} from './script';
export { checkScriptUse, parseScriptHeader, type ScriptHeader } from './script-header';
export { sameHistory, type HistoryToken, type ServerFacts } from './server';
export type { MessageListener, SubscribeOptions, Unsubscribe } from './subscriber';
