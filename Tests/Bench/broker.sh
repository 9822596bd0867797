#!/bin/bash
# The embedded broker and Apache Kafka in turn, the same rows on both, and the ratio: above 1 the embedded one is faster.
# Ends with 1 when a row is below what is promised. About five minutes on two quiet cores. By environment:
#   KAFKA_HOME  where Apache Kafka is; without it the embedded broker runs alone
#   ROWS        which ones: query write produce consume (all of them)
#   RUNS        of each row, of which the middle one counts (3)
#   COUNT       scales the rows (1; 0.2 is a quick look)
set -euo pipefail
cd "$(dirname "$0")/../.."
scale=${COUNT:-1}
runs=${RUNS:-3}
rows=${ROWS:-query write produce consume}
bookstore=${BOOKSTORE:-.build/release/bookstore}
directory=$(mktemp -d)
bench=$directory/brokerbench
broker=
finish() {
    [ -z "$broker" ] || kill -9 -- "-$broker" 2> /dev/null || true
    rm -rf "$directory"
}
trap finish EXIT
trap 'exit 143' TERM INT HUP
gcc -O2 Tests/Bench/brokerbench.c -lrdkafka -lpthread -o "$bench"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

start_embedded() {
    local begun
    rm -f "$directory/embedded/bootstrap"
    begun=$(milliseconds)
    setsid "$bookstore" broker --dir "$directory/embedded" 2>> "$directory/embedded.log" &
    broker=$!
    until bootstrap=$(cat "$directory/embedded/bootstrap" 2> /dev/null); do
        kill -0 "$broker" 2> /dev/null || { cat "$directory/embedded.log" >&2; exit 1; }
        sleep 0.002
    done
    started=$(($(milliseconds) - begun))
}

start_kafka() {
    local port controller
    port=$(free_port) controller=$(free_port)
    cat > "$directory/kafka.properties" << PROPERTIES
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
controller.quorum.bootstrap.servers=127.0.0.1:$controller
log.dirs=$directory/kafka
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
PROPERTIES
    export LOG_DIR=$directory/kafka-logs
    "$KAFKA_HOME/bin/kafka-storage.sh" format --standalone -t "$("$KAFKA_HOME/bin/kafka-storage.sh" random-uuid)" \
        -c "$directory/kafka.properties" > "$directory/kafka.log" 2>&1
    setsid "$KAFKA_HOME/bin/kafka-server-start.sh" "$directory/kafka.properties" >> "$directory/kafka.log" 2>&1 &
    broker=$!
    bootstrap=127.0.0.1:$port
    until grep -q 'Kafka Server started' "$directory/kafka.log"; do
        kill -0 "$broker" 2> /dev/null || { cat "$directory/kafka.log" >&2; exit 1; }
        sleep 0.2
    done
}

stop() {
    kill -9 -- "-$broker"
    wait "$broker" 2> /dev/null || true
    broker=
}

count() { awk -v n="$1" -v s="$scale" 'BEGIN { printf "%d", n * s < 100 ? 100 : n * s }'; }

wanted() { [[ " $rows " == *" $1 "* ]]; }

row() { # row FILE NAME MODE ARGUMENTS…: one line, its name and result apart by a tab
    local file=$1 name=$2 result
    shift 2
    result=$("$bench" "$bootstrap" "$@")
    printf '%s\t%s\n' "$name" "$result" >> "$file"
    printf '  %-32s %s\n' "$name" "$result"
}

measure() { # measure FILE: all rows, so many times over
    local run window mode requests
    # Once unmeasured: the JVM compiles, the page cache fills, the coordinators' topics come to be.
    "$bench" "$bootstrap" write 100 "$(count 5000)" 12 > /dev/null
    for ((run = 1; run <= runs; run++)); do
        for mode in query write; do
            wanted $mode || continue
            for window in 1 100 500; do
                case $mode-$window in *-1) requests=3000 ;; query-*) requests=120000 ;; *-100) requests=30000 ;; *) requests=100000 ;; esac
                requests=$(count "$requests")
                row "$1" "$mode, window $window, 12 partitions" $mode $window "$requests" 12
            done
        done
        wanted produce || wanted consume || continue
        "$bench" "$bootstrap" create "stream$run" 12
        row "$1" "produce, 200-byte records" produce "$(count 2000000)" 12 "stream$run"
        wanted consume && row "$1" "consume, 200-byte records" consume "$(count 2000000)" 12 "stream$run"
    done
}

echo "embedded broker:"
start_embedded
empty_start=$started
measure "$directory/embedded.rows"
memory=$(awk '/^VmRSS/ { now = $2 } /^VmHWM/ { most = $2 } END { printf "%d MB, %d MB at most", now / 1024, most / 1024 }' \
    "/proc/$broker/status")
stop
log=$(du -sm "$directory/embedded/logs" | cut -f 1)
start_embedded
full_start=$started
stop
# Whatever the checkpoints say of the logs is read from the logs instead.
find "$directory/embedded/logs" -name '*.state' -delete
start_embedded
read_start=$started
stop
if [ -n "${KAFKA_HOME:-}" ]; then
    echo "Apache Kafka:"
    start_kafka
    measure "$directory/kafka.rows"
    stop
else
    echo "KAFKA_HOME is not set: the embedded broker alone"
    cp "$directory/embedded.rows" "$directory/kafka.rows"
fi

# The middle run of each row, in the order of the rows.
middle() {
    awk -F '\t' '!($1 in n) { order[++names] = $1 } { split($2, w, " "); n[$1]++; value[$1, n[$1]] = w[1]; text[$1, w[1]] = $2 }
        END { for (i = 1; i <= names; i++) { r = order[i]; c = n[r]
            for (a = 1; a <= c; a++) for (b = a + 1; b <= c; b++) if (value[r, b] + 0 < value[r, a] + 0) {
                t = value[r, a]; value[r, a] = value[r, b]; value[r, b] = t }
            print r "\t" text[r, value[r, int((c + 1) / 2)]] } }' "$1"
}
echo
printf '%-32s  %-44s  %-44s  %s\n' "middle of $runs" "embedded broker" "Apache Kafka" "ratio"
middle "$directory/embedded.rows" > "$directory/embedded.middle"
middle "$directory/kafka.rows" > "$directory/kafka.middle"
paste "$directory/embedded.middle" "$directory/kafka.middle" | awk -F '\t' -v alone="${KAFKA_HOME:-yes}" '{
    split($2, ours, " "); split($4, theirs, " ")
    ratio = ours[1] / theirs[1]; promised = $1 ~ /^write, window 100,/ ? 2 : 1
    verdict = alone == "yes" ? "" : ratio >= promised ? "holds" : "MISSED, promised is " promised
    if (verdict ~ /^MISSED/) missed = 1
    printf "%-32s  %-44s  %-44s  %.2f  %s\n", $1, $2, $4, ratio, verdict } END { exit missed }' || missed=1
echo "start of the embedded broker: $empty_start ms empty, $full_start ms with $log MB of log after kill -9," \
    "$read_start ms when it has to read all of it"
echo "resident memory of the embedded broker after all of it: $memory"
exit "${missed:-0}"
