#!/bin/bash
# Builds the image cna-bookstore:latest and :VERSION with podman and says what it weighs. On a machine that cannot pull,
# the public images it starts from are stand-ins (STAND_INS=no: pull them).
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/podman.env"
[ "${STAND_INS:-yes}" = no ] || "$here/stand-ins.sh"
cd "$here/../.."
commit=$(git rev-parse --short=12 HEAD)
git diff --quiet HEAD -- Package.swift Sources || commit=$commit-dirty
version=$(sed -n 's/.*version: "\([0-9.]*\)".*/\1/p' Sources/bookstore/Main.swift)

# The stand-in for the Swift image finds the toolchain of this machine here.
mounts=()
[ ! -d /opt/swift ] || mounts=(--volume /opt/swift:/opt/swift:ro)
before=$(podman image inspect --format '{{.Id}}' cna-bookstore:latest 2> /dev/null || true)
podman build --network=host "${mounts[@]}" --build-arg "VERSION=$version" --build-arg "COMMIT=$commit" \
  -t cna-bookstore:latest -t "cna-bookstore:$version" . > "$state/image.log" 2>&1 \
  || { tail -40 "$state/image.log" >&2; exit 1; }
# What the names meant before is nobody's any more.
[ "$before" = "$(podman image inspect --format '{{.Id}}' cna-bookstore:latest)" ] || podman rmi "$before" > /dev/null 2>&1 || true

size() { podman image inspect --format '{{.Size}}' "$1"; }
total=$(size cna-bookstore:latest)
base=$(size docker.io/library/debian:trixie-slim)
binary=$(podman run --rm --network=none --entrypoint stat cna-bookstore:latest -c %s /usr/bin/bookstore)
megabytes() { awk -v n="$1" 'BEGIN { printf "%.1f MB", n / 1e6 }'; }
echo "cna-bookstore:$version ($commit): $(megabytes "$total"), of which base $(megabytes "$base")," \
  "libraries $(megabytes $((total - base - binary))), binary $(megabytes "$binary")"
told=$(podman run --rm --network=none --read-only cna-bookstore:latest --version)
echo "$told"
[ "$told" = "bookstore $version ($commit)" ] || { echo "expected bookstore $version ($commit)" >&2; exit 1; }
