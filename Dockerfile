# One image for every service: `tollgate gateway`, `metering`, `query`, and the commands.
# For a cluster, so without the embedded ClickHouse: name a server in `store.url`.
# Kafka over TLS: --build-arg FEATURES=bus/tls

FROM rust:1.95.0-slim-bookworm AS build
# The client of Kafka is C, built from source.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends build-essential libssl-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
# Not those that the toolchain file adds for developers.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
ARG FEATURES=
RUN cargo build --release --locked --package tollgate --features "$FEATURES" \
 && cp target/release/tollgate /tollgate

FROM debian:12.12-slim
# curl asks for readiness; libssl3 is for Kafka over TLS.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates curl libssl3 \
 && rm -rf /var/lib/apt/lists/* \
 && install --directory --owner=10001 --group=10001 --mode=0700 /var/lib/tollgate
COPY --from=build /tollgate /usr/local/bin/tollgate
ENV TOLLGATE_DATA=/var/lib/tollgate
# `tollgate` finds its configuration, tollgate.yaml, here.
WORKDIR /etc/tollgate
USER 10001:10001
ENTRYPOINT ["tollgate"]
