/** The keys and the channel of the cluster's membership and leaders, in the registry's slot. */
export interface ClusterKeys {
  /** Hash: broker id to what it tells of itself, as JSON; `#` is no broker. */
  brokers: string;
  /** Sorted set: broker ids by the time (ms) at which their sessions end; `#` is no broker. */
  sessions: string;
  /** Hash: who is the controller, the version of all this, and when a heartbeat last came. */
  controller: string;
  /** Hash: topic id to who leads its partitions, as JSON; `#` is no topic. */
  leaders: string;
  /** Channel: each change. In databases other than 0 it has their number in it. */
  changes: string;
}

/** Keys of the cluster; `prefix` and `db` are the link's key prefix and database. */
export function clusterKeys(prefix: string, db = 0): ClusterKeys {
  const base = `${prefix}{registry}`;
  const channel = `${base}:cluster-changes`;
  return {
    brokers: `${base}:brokers`,
    sessions: `${base}:broker-sessions`,
    controller: `${base}:controller`,
    leaders: `${base}:leaders`,
    changes: db === 0 ? channel : `${channel}:${db}`,
  };
}
