#!/bin/bash
# Runs the deployment tests in the environment that install.sh makes. Takes pytest's arguments.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/podman.env"
exec "$state/python/bin/python" -B -m pytest -q -p no:cacheprovider "$here" "$@"
