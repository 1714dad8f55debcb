# Starts a Redis of docker-compose.yml, as the image's own entrypoint would: as the user redis, with its data in /data.
#   sh server.sh [argument of redis-server...]
# That entrypoint is not used because it has modules loaded, which Sluice does not need, and where Sentinel has the
# configuration written, the next start would load each of them twice, and fail.
#
# NAME      its own name, where Sentinels look after it
# PRIMARY   the name of the one that is the primary at the very first start
set -eu
umask 077
cd /data

# The append-only file is the data. Nothing may be evicted, or the log would have holes. Larger stream nodes store
# large batches in less memory. Batches are packed by producers, so packing once more is of no use.
set -- --protected-mode no --appendonly yes --appendfsync everysec --save '' --rdbcompression no \
  --maxmemory-policy noeviction --stream-node-max-bytes 1mb "$@"

if [ -n "${PRIMARY:-}" ]; then
  # Sentinel has it written down here who is whose replica. Without it, a start of all would make the first primary
  # the primary again, whatever it had missed, and its replicas would throw away what they have beyond it.
  if [ ! -e redis.conf ]; then
    {
      echo "replica-announce-ip $NAME"
      if [ "$NAME" != "$PRIMARY" ]; then echo "replicaof $PRIMARY 6379"; fi
    } >redis.conf.new
    mv redis.conf.new redis.conf
  fi
  set -- /data/redis.conf "$@"
fi

chown -R redis:redis /data
exec setpriv --reuid redis --regid redis --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
  redis-server "$@"
