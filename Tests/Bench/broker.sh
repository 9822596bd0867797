#!/bin/bash
# The embedded broker and Apache Kafka in turn, the same rows on both, and the ratio: above 1 the embedded one is faster.
# Apache Kafka runs when KAFKA_HOME says where. COUNT scales the rows (1 is the default, 0.2 a quick look).
set -euo pipefail
cd "$(dirname "$0")/../.."
scale=${COUNT:-1}
bookstore=${BOOKSTORE:-.build/release/bookstore}
directory=$(mktemp -d)
bench=$directory/brokerbench
broker=
finish() {
    [ -z "$broker" ] || kill -9 -- "-$broker" 2> /dev/null || true
    rm -rf "$directory"
}
trap finish EXIT
gcc -O2 Tests/Bench/brokerbench.c -lrdkafka -lpthread -o "$bench"

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

milliseconds() { echo $(($(date +%s%N) / 1000000)); }

start_embedded() {
    local begun
    rm -f "$directory/embedded/bootstrap"
    begun=$(milliseconds)
    setsid "$bookstore" broker --dir "$directory/embedded" 2> "$directory/embedded.log" &
    broker=$!
    until bootstrap=$(cat "$directory/embedded/bootstrap" 2> /dev/null); do sleep 0.005; done
    started=$(($(milliseconds) - begun))
}

start_kafka() {
    local port controller
    port=$(free_port) controller=$(free_port)
    cat > "$directory/kafka.properties" <<END
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
END
    export LOG_DIR=$directory/kafka-logs
    "$KAFKA_HOME/bin/kafka-storage.sh" format --standalone -t "$("$KAFKA_HOME/bin/kafka-storage.sh" random-uuid)" \
        -c "$directory/kafka.properties" > "$directory/kafka.log" 2>&1
    setsid "$KAFKA_HOME/bin/kafka-server-start.sh" "$directory/kafka.properties" >> "$directory/kafka.log" 2>&1 &
    broker=$!
    bootstrap=127.0.0.1:$port
    until grep -q 'Kafka Server started' "$directory/kafka.log"; do sleep 0.2; done
}

stop() {
    kill -9 -- "-$broker"
    wait "$broker" 2> /dev/null || true
    broker=
}

count() { awk -v n="$1" -v s="$scale" 'BEGIN { printf "%d", n * s < 100 ? 100 : n * s }'; }

rows() { # rows FILE: one line a row, name and result apart by a tab
    local window topic
    # Once unmeasured: the JVM compiles, the page cache fills, the coordinators' topics come to be.
    "$bench" "$bootstrap" write 100 "$(count 5000)" 12 > /dev/null
    for window in 1 100 500; do
        for mode in query write; do
            requests=$(count $((window == 1 ? 2000 : 40000)))
            printf '%s\t%s\n' "$mode, window $window, 12 partitions" "$("$bench" "$bootstrap" $mode $window "$requests" 12)" >> "$1"
        done
    done
    topic=stream
    "$bench" "$bootstrap" create $topic 12
    printf 'produce, 200-byte records\t%s\n' "$("$bench" "$bootstrap" produce "$(count 1000000)" 12 $topic)" >> "$1"
    printf 'consume, 200-byte records\t%s\n' "$("$bench" "$bootstrap" consume "$(count 1000000)" 12 $topic)" >> "$1"
}

start_embedded
empty_start=$started
rows "$directory/embedded.rows"
resident=$(awk '/^VmRSS/ { print int($2 / 1024) }' "/proc/$broker/status")
stop
log=$(du -sm "$directory/embedded/logs" | cut -f 1)
start_embedded
full_start=$started
stop
if [ -n "${KAFKA_HOME:-}" ]; then
    start_kafka
    rows "$directory/kafka.rows"
    stop
else
    echo "KAFKA_HOME is not set: the embedded broker alone"
    cp "$directory/embedded.rows" "$directory/kafka.rows"
fi
printf '%-32s  %-44s  %-44s  %s\n' "" "embedded broker" "Apache Kafka" "ratio"
paste "$directory/embedded.rows" "$directory/kafka.rows" | awk -F '\t' '{
    split($2, ours, " "); split($4, theirs, " ")
    printf "%-32s  %-44s  %-44s  %.2f\n", $1, $2, $4, ours[1] / theirs[1] }'
echo "start of the embedded broker: $empty_start ms empty, $full_start ms with $log MB of log after kill -9"
echo "resident memory of the embedded broker after all of it: $resident MB"
