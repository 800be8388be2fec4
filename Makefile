# Every target sets up what it needs; `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3

.PHONY: help
help:  ## This list.
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.PHONY: generated
generated:  ## Writes the generated files anew: gRPC stubs and JSON Schemas.
	tools=$$(mktemp -d) && $(PYTHON) -m venv $$tools && $$tools/bin/pip install -q grpcio-tools==1.75.1 && \
	for room in clients engine; do \
	    $$tools/bin/python -m grpc_tools.protoc -I $$room --python_out=$$room --grpc_python_out=$$room \
	        --pyi_out=$$room $$room/*/wire/*.proto; \
	done; rm -rf $$tools
	.venv/bin/python -m molmo2_contract.schemas contract/schemas
