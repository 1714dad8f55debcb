# Starts a Sentinel of docker-compose.yml.
#   NAME=own name PRIMARY=the first primary sh sentinel.sh
# Sentinel writes into its configuration what it learns: who is the primary now, and which servers and Sentinels there
# are. So that file is made at the first start only, and lies in a volume.
set -eu
umask 077
cd /data

if [ ! -e sentinel.conf ]; then
  # Containers get other addresses when they are started again, so everybody is known by name. A primary is given up
  # after 5 s without an answer, when two of three Sentinels say so.
  cat >sentinel.conf.new <<END
protected-mode no
sentinel resolve-hostnames yes
sentinel announce-hostnames yes
sentinel announce-ip $NAME
sentinel monitor main $PRIMARY 6379 2
sentinel down-after-milliseconds main 5000
sentinel failover-timeout main 20000
END
  mv sentinel.conf.new sentinel.conf
fi

chown -R redis:redis /data
exec setpriv --reuid redis --regid redis --clear-groups --inh-caps=-all --bounding-set=-all --no-new-privs \
  redis-server /data/sentinel.conf --sentinel
