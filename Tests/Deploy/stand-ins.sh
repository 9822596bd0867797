#!/bin/bash
# Builds local stand-ins for the public images this project starts from and tags them with the public names, so that
# Dockerfile, compose files and manifests are the ones a user with internet uses. An image that is there is left alone.
#   stand-ins.sh          builds what is missing      stand-ins.sh clean   removes them and what the checks installed here
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
. "$here/podman.env"
# Beside the checkout, or beside the folder of worktrees.
for kafka_home in "${KAFKA_HOME:-}" "$here/../../../shared/kafka" "$here/../../../../shared/kafka"; do
  [ -d "$kafka_home/libs" ] && break
done
debian=docker.io/library/debian
swift=docker.io/library/swift:6.3.1-bookworm
kafka=docker.io/apache/kafka:4.3.1
quietly() { "$@" > "$state/stand-ins.log" 2>&1 || { tail -30 "$state/stand-ins.log" >&2; exit 1; }; }

if [ "${1:-}" = clean ]; then
  podman rmi -f "$kafka" "$swift" "$debian:bookworm-slim" "$debian:trixie-slim" || true
  # By name: the folder may be one that somebody else keeps things in, too.
  rm -rf "$state/debian" "$state/debian.tar" "$state/kafka-context" "$state/python" "$state/containers.conf" "$state"/{apt,image,stand-ins}.log
  rmdir "$state" 2> /dev/null || true
  exit 0
fi

"$here/install.sh" run

debian() { # SUITE: the official slim variant, as debootstrap makes it
  podman image exists "$debian:$1-slim" && return
  echo "building $debian:$1-slim with debootstrap"
  rm -rf "$state/debian"
  quietly debootstrap --variant=minbase "$1" "$state/debian" http://deb.debian.org/debian
  # What the official slim variant leaves out as well, there and of packages that come later.
  printf 'path-exclude /usr/share/%s/*\n' doc man locale > "$state/debian/etc/dpkg/dpkg.cfg.d/slim"
  printf 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin"; };\n%s\n' \
    'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";' > "$state/debian/etc/apt/apt.conf.d/slim"
  tar -C "$state/debian" -cf "$state/debian.tar" --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
    --exclude='./usr/share/locale/*' --exclude='./var/cache/apt/*' --exclude='./var/lib/apt/lists/*' --exclude='./var/log/*' .
  quietly podman import --change 'CMD ["bash"]' \
    --change ENV=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$state/debian.tar" "$debian:$1-slim"
  rm -rf "$state/debian" "$state/debian.tar"
}
# The build image and Kafka's stand on the first, what we run on the second.
debian bookworm
debian trixie

if ! podman image exists "$swift"; then
  echo "building $swift"
  quietly podman build --network=host -t "$swift" -f "$here/stand-in/swift.Dockerfile" "$here/stand-in"
fi

if ! podman image exists "$kafka"; then
  [ -d "$kafka_home/libs" ] || { echo "no Kafka jars at $kafka_home (set KAFKA_HOME)" >&2; exit 1; }
  echo "building $kafka"
  rm -rf "$state/kafka-context"
  mkdir -p "$state/kafka-context/kafka"
  cp "$here/stand-in/kafka/Dockerfile" "$here/stand-in/kafka/run" "$state/kafka-context/"
  cp -rL "$kafka_home/bin" "$kafka_home/config" "$kafka_home/libs" "$state/kafka-context/kafka/"
  # The official image has every script of the distribution; the drills need one more than the shared folder has.
  printf '#!/bin/bash\nexec "$(dirname "$0")/kafka-run-class.sh" org.apache.kafka.tools.AclCommand "$@"\n' \
    > "$state/kafka-context/kafka/bin/kafka-acls.sh"
  chmod -R u+w "$state/kafka-context"; chmod 755 "$state/kafka-context/run" "$state"/kafka-context/kafka/bin/*
  quietly podman build --network=host -t "$kafka" "$state/kafka-context"
  rm -rf "$state/kafka-context"
fi
podman images --format '{{.Repository}}:{{.Tag}} {{.Size}}' | grep -E 'debian|swift|kafka'
