# nginx for a pod's gateway, from the server's own base: where nginx's image cannot be pulled.
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${BASE_IMAGE}
RUN apt-get update \
    && apt-get install -y --no-install-recommends nginx-light \
    && rm -rf /var/lib/apt/lists/*
# Its own way to end without cutting anything, as in nginx's image.
STOPSIGNAL SIGQUIT
USER 10001:10001
