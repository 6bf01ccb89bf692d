FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked --package quipu --bin quipu
# The volume starts as a copy of this directory, so its owner is the user that the server runs as.
RUN mkdir /data

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /src/target/release/quipu /quipu
COPY --from=build --chown=nonroot:nonroot /data /data
ENV QUIPU_LISTEN=0.0.0.0:2113 QUIPU_DATA=/data
VOLUME /data
EXPOSE 2113
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 CMD ["/quipu", "info"]
ENTRYPOINT ["/quipu"]
CMD ["serve"]
