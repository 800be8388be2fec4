# A caller: the client and FiftyOne, for k8s/examples/label-job.yaml. From the repository's root:
#
#   podman build -f k8s/image/labelling.Dockerfile -t molmo2-labelling:0.1.0 .
ARG BASE_IMAGE=docker.io/library/debian:bookworm-slim

FROM ${BASE_IMAGE} AS python
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/*

FROM python AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc libc6-dev python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/molmo2
ENV PATH=/opt/molmo2/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY pyproject.toml constraints.txt /source/
COPY k8s/image/requirements.py /source/k8s/image/
RUN python3 /source/k8s/image/requirements.py /source/pyproject.toml fiftyone \
        > /tmp/requirements.txt \
    && pip install -c /source/constraints.txt -r /tmp/requirements.txt
COPY README.md /source/
COPY clients /source/clients
COPY contract /source/contract
RUN pip install --no-deps /source

FROM python AS labelling
COPY --from=build /opt/molmo2 /opt/molmo2
ENV PATH=/opt/molmo2/bin:$PATH PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /tmp
CMD ["molmo2", "--help"]
