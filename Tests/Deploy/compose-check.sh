#!/bin/bash
# Builds the image (a moment where nothing has changed), brings compose up under podman, walks the scenario, checks some of
# the seeds' points, tears it down.
#   compose-check.sh            OVERLAYS="kafka-3.yaml" adds overlays; KEEP=yes leaves it running
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/podman.env"
"$here/install.sh" run
"$here/image.sh"
export COMPOSE_PROJECT_NAME=${COMPOSE_PROJECT_NAME:-bookstore} COMPOSE_OVERLAYS=${OVERLAYS:-}
[ "${KEEP:-no}" = yes ] || trap '"$state/python/bin/python" -B "$here/scenario.py" compose down' EXIT
"$state/python/bin/python" -B "$here/scenario.py" compose
