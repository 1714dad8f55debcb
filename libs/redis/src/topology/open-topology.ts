import type { ResolvedOptions } from '../options';
import { Shard, type ShardDeps } from '../shard';
import { ClusterNodes } from './cluster-nodes';
import { ClusterShards } from './cluster-shards';
import { Sentinels } from './sentinels';
import { OneShard, type ShardMaker, type Topology } from './topology';

/** What the URL names: one server, one that Sentinels name, or a Redis Cluster. */
export function openTopology(options: ResolvedOptions, deps: ShardDeps): Topology {
  const newShard: ShardMaker = (place) => new Shard(options, { ...deps, place });
  const { topology, label, username, password, tls } = options;
  switch (topology.kind) {
    case 'single':
      return new OneShard(newShard);
    case 'sentinel':
      return new OneShard(newShard, new Sentinels({ ...deps, options, topology }));
    case 'cluster': {
      const { log, clock } = deps;
      const { failoverTimeoutMs: waitMsMax } = options;
      const terms = { username, password, tls };
      const nodes = new ClusterNodes({ seeds: topology.nodes, terms, label });
      return new ClusterShards({ nodes, newShard, log, clock, waitMsMax });
    }
  }
}
