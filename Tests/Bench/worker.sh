#!/bin/bash
# The counter service against the floor under it (Tests/Bench/brokerbench.c: the same transactions in C, without JSON and
# SQLite), in turn on one broker, with the same window: requests a second, and the ratio. KAFKA_HOME adds Apache Kafka's.
# COUNT scales the rows (1 is the default, 0.2 a quick look).
set -euo pipefail
cd "$(dirname "$0")/../.."
scale=${COUNT:-1}
directory=$(mktemp -d)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill -9 "$pid" 2> /dev/null || true; done
    rm -rf "$directory"
}
trap finish EXIT
gcc -O2 Tests/Bench/brokerbench.c -lrdkafka -lpthread -o "$directory/floor"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
if [ -n "${BOOTSTRAP:-}" ]; then
    bootstrap=$BOOTSTRAP
else
    LOG_LEVEL=warning .build/release/bookstore broker --dir "$directory/broker" --port "$port" &
    pids+=($!)
    bootstrap=127.0.0.1:$port
    until (: > "/dev/tcp/127.0.0.1/$port") 2> /dev/null; do sleep 0.05; done
fi
bench=.build/release/counter-bench
"$bench" "$bootstrap" topics
KAFKA_BOOTSTRAP=$bootstrap LOG_LEVEL=warning .build/release/counter counter-0 "$directory/counter" &
worker=$!
pids+=("$worker")
until grep -q '"ready":true' "$directory/counter/health" 2> /dev/null; do sleep 0.05; done
resident() { awk '/VmRSS/ { printf "%.0f MB", $2 / 1024 }' "/proc/$worker/status"; }
echo "resident idle: $(resident)"
printf '%-6s %6s  %-44s %-44s %s\n' kind window floor counter ratio
while read -r kind window count; do
    count=$(awk -v n="$count" -v s="$scale" 'BEGIN { printf "%d", n * s < 100 ? 100 : n * s }')
    floor=$("$directory/floor" "$bootstrap" "$kind" "$window" "$count" 12 | sed -E 's/^.*: *//; s/ *\(.*//')
    counter=$("$bench" "$bootstrap" "$kind" "$window" "$count")
    ratio=$(awk -v a="${counter%% *}" -v b="${floor%% *}" 'BEGIN { printf "%.2f", a / b }')
    printf '%-6s %6s  %-44s %-44s %s\n' "$kind" "$window" "$floor" "$counter" "$ratio"
done << END
write 1 2000
write 100 40000
write 500 60000
query 1 4000
query 100 100000
query 500 100000
END
echo "resident after: $(resident)"
