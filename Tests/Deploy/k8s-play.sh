#!/bin/bash
# Builds the image (a moment where nothing has changed), plays the rendered manifests with `podman kube play`, walks the scenario, deletes a pod, checks, tears it down.
#   k8s-play.sh                 KEEP=yes leaves it running
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/podman.env"
"$here/install.sh" run
"$here/image.sh"
[ "${KEEP:-no}" = yes ] || trap '"$state/python/bin/python" -B "$here/scenario.py" podman down' EXIT
"$state/python/bin/python" -B "$here/scenario.py" podman
