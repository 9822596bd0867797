# A stand-in for docker.io/library/swift: Debian's build tools, and names in /usr/bin that lead to the toolchain of this
# machine, which every build mounts read-only at /opt/swift instead of copying 3 GB into an image.
FROM docker.io/library/debian:bookworm-slim
RUN mkdir -p /usr/share/man/man1 \
 && apt-get update -q && apt-get install -q -y --no-install-recommends \
    binutils ca-certificates git libc6-dev libcurl4 libedit2 libgcc-12-dev libncurses6 libsqlite3-0 libstdc++-12-dev libxml2 \
    pkg-config tzdata unzip zlib1g-dev \
 && rm -rf /var/lib/apt/lists/* \
 && for tool in swift swiftc swift-build swift-package swift-run swift-test swift-format clang ld.lld llvm-ar; do \
      ln -s /opt/swift/usr/bin/$tool /usr/bin/$tool; done
