# The one image of the system: one binary, every subcommand. Build it from the top of the repository:
#   docker build -t cna-bookstore:1.0.0 .        (or `make image`)
ARG SWIFT_IMAGE=docker.io/library/swift:6.3.1-bookworm
# Not bookworm, whose librdkafka 2.0.2 cannot log in with SCRAM at Kafka 4: docs/decisions/0020-scram-and-the-base-image.md.
ARG BASE_IMAGE=docker.io/library/debian:trixie-slim

FROM ${SWIFT_IMAGE} AS build
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends libmicrohttpd-dev librdkafka-dev libsqlite3-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Package.swift ./
COPY Sources Sources
# The package manager wants to see the test targets that the manifest names; none is compiled.
COPY Tests Tests
# Swift's runtime is linked in, so that the image that runs needs no toolchain. Symbols stay for back traces; debug
# information does not.
RUN --mount=type=cache,id=cna-bookstore-build,target=/source/.build \
    swift build -c release --static-swift-stdlib --product bookstore -Xlinker --strip-debug \
 && install -D -m 0755 .build/release/bookstore /out/bookstore

FROM ${BASE_IMAGE}
RUN apt-get update -q \
 && apt-get install -q -y --no-install-recommends ca-certificates libmicrohttpd12t64 librdkafka1 libsqlite3-0 \
 && rm -rf /var/lib/apt/lists/* /var/cache/debconf/* /var/log/*
COPY --from=build /out/bookstore /usr/bin/bookstore

# The version of the sources (Sources/bookstore); a test holds the two together.
ARG VERSION=1.0.0
ARG COMMIT=unknown
ARG BASE_IMAGE
# After the arguments: podman 4 takes labels and environment of an earlier build from its cache, whatever the arguments are
# now, unless a command that sees them has run in between.
RUN install -d -o 65532 -g 65532 -m 0750 /var/lib/bookstore
LABEL org.opencontainers.image.title="cna-bookstore" \
      org.opencontainers.image.description="An event-driven bookstore: gateway, workers and operator commands in one binary" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${COMMIT}" \
      org.opencontainers.image.base.name="${BASE_IMAGE}"

# `bookstore --version` prints the commit from here: the build has no git history to ask.
ENV BUILD_COMMIT=${COMMIT} \
    DATA_DIR=/var/lib/bookstore \
    LISTEN_ADDRESS=0.0.0.0 \
    LOG_FORMAT=json
# A number, so that Kubernetes can see that it is not root.
USER 65532:65532
WORKDIR /var/lib/bookstore
STOPSIGNAL SIGTERM
EXPOSE 8080 8081
ENTRYPOINT ["/usr/bin/bookstore"]
CMD ["--help"]
