export { diskProblem, type DiskWord } from './disk-word';
export type { Redis } from 'ioredis';
export { adviseOnServer, checkServer, type Advice } from './checks';
export { reconnectDelayMs } from './connection';
export {
  attempt,
  classify,
  isConnectionLoss,
  isErrorReply,
  RedisReplyError,
  RedisStartError,
  RedisUnavailable,
  UnknownOutcome,
  type StartProblem,
  type UnavailableReason,
} from './errors';
export { stoppedWriterField, type AofSizes } from './aof';
export type { BlockingConnection } from './blocking-connection';
export { explainRedisStart } from './explain-start';
export type { JobConnection, JobConnectionKind, JobConnections } from './job-connections';
export { Shard, type ShardArrivalListener, type ShardStatus } from './shard';
export { RedisLink, type LinkDeps, type LinkStatus, type ReadyListener } from './link';
export { redisMetrics } from './metrics';
export { aclLine, commandName, neededCommands, optionalCommands } from './needs';
export { redisLimits, resolveOptions, type RedisOptions } from './options';
export { plainCommand } from './plain-command';
export { checkWritesLine } from './script/rules';
export type { ReplyOf, ReplyShapes, ValueKind } from './script/reply';
export {
  defineScript,
  Script,
  type Named,
  type RedisArg,
  type ReplyDeclaration,
  type ScriptDeclaration,
} from './script/script';
export { readScript, type ScriptSource } from './script/source';
export { sameHistory, type HistoryToken, type ServerFacts, type ServerMemory } from './server';
export { connectionOf } from './topology/routed-redis';
export { slotOf } from './topology/slots';
export type { BytesListener, MessageListener, SubscribeOptions, Unsubscribe } from './subscriber';
export type { EndOfTransaction, TransactionRedis } from './transaction-redis';
