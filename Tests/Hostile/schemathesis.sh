#!/bin/sh
# Lets schemathesis (from PyPI) try the OpenAPI document that a running gateway serves: no 5xx, and every answer as the
# document says. Without a URL it starts a system of its own and stops it again.
#   Tests/Hostile/schemathesis.sh [URL]        SCHEMATHESIS_SECONDS=60 at most
set -eu
version=4.32.5
seconds=${SCHEMATHESIS_SECONDS:-60}
cd "$(dirname "$0")/../.."
fuzz=$PWD/Tests/Hostile/fuzz.py
home=${SCHEMATHESIS_HOME:-$PWD/.build/schemathesis-$version}
bookstore=${BOOKSTORE:-$PWD/.build/debug/bookstore}
if [ ! -x "$home/bin/schemathesis" ]; then
    python3 -m venv "$home" && "$home/bin/pip" -q install "schemathesis==$version"
fi

# It leaves notes where it runs.
RUN_DIR=$(mktemp -d "${TMPDIR:-/tmp}/schemathesis-XXXXXX")
export RUN_DIR
trap 'exit 143' TERM INT
trap 'rm -rf "$RUN_DIR"' EXIT
cd "$RUN_DIR"
url=${1:-}
if [ -z "$url" ]; then
    free() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
    GATEWAY_PORT=$(free) ORDER_PORT=$(free) KAFKA_HOME='' KAFKA_BOOTSTRAP='' UP_WHILE_PID=$$
    EDGE_WAIT_MILLISECONDS=50 # `?after=` of what never comes would take most of the time
    export GATEWAY_PORT ORDER_PORT KAFKA_HOME KAFKA_BOOTSTRAP UP_WHILE_PID EDGE_WAIT_MILLISECONDS
    trap '"$bookstore" down >/dev/null; rm -rf "$RUN_DIR"' EXIT
    "$bookstore" up --detach >/dev/null
    "$bookstore" demo >/dev/null
    url=http://127.0.0.1:$GATEWAY_PORT
fi

# /selectDeliveryInfo hangs for 5 s on purpose.
"$home/bin/schemathesis" run "$url/openapi.json" --url "$url" --max-time "$seconds" --request-timeout 20 \
    --phases coverage,fuzzing --exclude-path /selectDeliveryInfo --workers 2 --no-color \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance

# shellcheck disable=SC2046 # several processes
python3 "$fuzz" "$url" "${REQUESTS:-5000}" "${SEED:-}" $(cat "$RUN_DIR"/pids/* 2>/dev/null)
