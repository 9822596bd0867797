#!/bin/bash
# Renders every kustomization that can be applied into OUT, one file each, and says what it wrote.
#   render.sh [OUT]
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/podman.env"
out=${1:-$here/../../.build/k8s}
PATH=$state/python/bin:$PATH
mkdir -p "$out"
for overlay in "$here"/../../k8s/overlays/*; do
  file=$out/$(basename "$overlay").yaml
  kubectl kustomize "$overlay" > "$file"
  echo "$(grep -c '^kind:' "$file") objects in $(realpath --relative-to=. "$file")"
done
