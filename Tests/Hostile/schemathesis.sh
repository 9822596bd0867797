#!/bin/sh
# Lets schemathesis (from PyPI) try the OpenAPI document that a running gateway serves: no 5xx, and every answer as the
# document says. Without a URL it starts a system of its own and stops it again.
#   Tests/Hostile/schemathesis.sh [URL]        SCHEMATHESIS_EXAMPLES=10 requests an operation and kind
set -eu
version=4.32.5
examples=${SCHEMATHESIS_EXAMPLES:-10}
cd "$(dirname "$0")/../.."
home=${SCHEMATHESIS_HOME:-.build/schemathesis-$version}
if [ ! -x "$home/bin/schemathesis" ]; then
    python3 -m venv "$home" && "$home/bin/pip" -q install "schemathesis==$version"
fi

url=${1:-}
if [ -z "$url" ]; then
    bookstore=${BOOKSTORE:-.build/debug/bookstore}
    RUN_DIR=$(mktemp -d /tmp/schemathesis-XXXXXX)
    GATEWAY_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    ORDER_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    KAFKA_HOME='' UP_WHILE_PID=$$
    export RUN_DIR GATEWAY_PORT ORDER_PORT KAFKA_HOME UP_WHILE_PID
    trap 'exit 143' TERM INT
    trap '"$bookstore" down >/dev/null; rm -rf "$RUN_DIR"' EXIT
    "$bookstore" up --detach >/dev/null
    "$bookstore" demo >/dev/null
    url=http://127.0.0.1:$GATEWAY_PORT
fi

# Not asked: unsupported methods and missing fields of views are told apart in Tests/EndToEndTests; /selectDeliveryInfo
# hangs for 5 s on purpose.
"$home/bin/schemathesis" run "$url/openapi.json" --url "$url" --max-examples "$examples" --request-timeout 20 \
    --exclude-path /selectDeliveryInfo --exclude-path /makeZombie --workers 2 --no-color \
    --checks not_a_server_error,status_code_conformance,content_type_conformance,response_headers_conformance,response_schema_conformance
