import { RedisStartError } from '../errors';
import type { ResolvedOptions } from '../options';
import { Shard, type ShardDeps } from '../shard';
import { Sentinels } from './sentinels';
import { OneShard, type ShardMaker, type Topology } from './topology';

/**
 * What the URL names: one server, or one that Sentinels name.
 *
 * @throws RedisStartError where it cannot be used
 */
export function openTopology(options: ResolvedOptions, deps: ShardDeps): Topology {
  const newShard: ShardMaker = (place) => new Shard(options, { ...deps, place });
  const { topology } = options;
  if (topology.kind === 'single') return new OneShard(newShard);
  if (topology.kind === 'cluster') {
    throw new RedisStartError(
      'unsupported-set-up',
      [
        'Redis Cluster is not supported yet.',
        'Supported now: one server, with or without replicas, and Redis Sentinel.',
      ].join('\n'),
    );
  }
  const sentinels = new Sentinels({
    ...deps,
    options,
    topology,
    onMoved: () => shard.shards[0]!.leave(),
  });
  const shard = new OneShard(newShard, sentinels);
  return shard;
}
