# Makes a Redis Cluster of the servers of docker-compose.yml: the first half of them primaries, each of the others a
# replica of one of these.
#   sh form-cluster.sh HOST...
# It may be run at any time and ended anywhere. What is formed already stays as it is, whoever is a primary by now; the
# servers are only told each other's addresses, which may be others after a restart.
set -eu
slots=16384
wait_seconds_max=60

ask() { # HOST COMMAND...
  asked=$1
  shift
  redis-cli -h "$asked" "$@"
}

fail() {
  echo "form-cluster: $*" >&2
  exit 1
}

wait_until() { # COMMAND...
  seconds=0
  until "$@"; do
    [ "$seconds" -lt "$wait_seconds_max" ] || fail "not so after $wait_seconds_max s: $*"
    seconds=$((seconds + 1))
    sleep 1
  done
}

says() { # HOST LINE: a line of CLUSTER INFO
  ask "$1" cluster info | tr -d '\r' | grep -qx "$2"
}

is_new() { # HOST: it has no slots and is nobody's replica
  ask "$1" cluster nodes | tr -d '\r' | grep -qE 'myself,master .* connected$'
}

follows() { # HOST: it is a replica, or has slots
  ! is_new "$1"
}

meet() { # HOST OTHER
  # CLUSTER MEET takes no name.
  address=$(getent hosts "$2" | cut -d ' ' -f 1)
  [ "$(ask "$1" cluster meet "$address" 6379)" = OK ] || fail "$1 could not be told of $2 at $address"
}

servers=$#
primaries=$((servers / 2))
first=$1
for host in "$@"; do
  if [ "$host" != "$first" ]; then meet "$first" "$host"; fi
done
# A server learns its own address from whoever meets it.
meet "$host" "$first"
for host in "$@"; do wait_until says "$host" "cluster_known_nodes:$servers"; done

if ! says "$first" "cluster_slots_assigned:$slots"; then
  index=0
  for host in "$@"; do
    [ "$index" -lt "$primaries" ] || break
    from=$((slots * index / primaries))
    to=$((slots * (index + 1) / primaries - 1))
    # One that has them already says that they are busy.
    ask "$host" cluster addslotsrange "$from" "$to"
    index=$((index + 1))
  done
fi
for host in "$@"; do wait_until says "$host" "cluster_slots_assigned:$slots"; done

ids=
for host in "$@"; do ids="$ids $(ask "$host" cluster myid)"; done
index=0
for host in "$@"; do
  index=$((index + 1))
  if is_new "$host"; then
    id=$(echo "$ids" | tr ' ' '\n' | sed -n "$((index - primaries + 1))p")
    [ "$(ask "$host" cluster replicate "$id")" = OK ] || fail "$host could not be made a replica of $id"
    wait_until follows "$host"
  fi
done
for host in "$@"; do wait_until says "$host" cluster_state:ok; done
echo "the Redis Cluster of $servers servers is formed"
