# Every target sets up what it needs; `make help` lists them.
SHELL := /bin/bash
MAKEFLAGS += --no-print-directory
PYTHON ?= python3
RUN := .venv/bin/python
TESTS ?= tests
# Where Debian puts nginx; not every user's shell looks there.
export PATH := $(PATH):/usr/sbin

.PHONY: help
help:  ## This list.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.venv/ready: pyproject.toml constraints.txt scripts/setup
	@PYTHON=$(PYTHON) scripts/setup

.PHONY: setup
setup: .venv/ready  ## Installs everything into .venv.

.PHONY: constraints
constraints:  ## Writes constraints.txt anew: the newest versions that pyproject.toml allows.
	@PYTHON=$(PYTHON) scripts/constraints

.PHONY: demo
demo: archive  ## Renders 8 videos, serves the demo model, labels a FiftyOne dataset, checks it.
	$(RUN) -m molmo2_demo

.PHONY: demo-score
demo-score: .venv/ready  ## Scores the demo model, or CHECKPOINT=<folder>, on COUNT=200 new videos.
	$(RUN) -m molmo2_archive $(or $(CHECKPOINT),demo/checkpoint) --name molmo2-demo-score \
	    --config molmo2-demo --carry-weights --export-path run/score/model-store
	$(RUN) -m molmo2_demo.demo_score run/score/model-store/molmo2-demo-score.mar \
	    $(if $(COUNT),--count $(COUNT))

# Into FOLDER=run/trainer; from START=demo/checkpoint, or with FROM_NOTHING=1 from its sizes alone.
.PHONY: demo-model
demo-model: .venv/ready  ## Trains the demo model on into run/trainer [EYE_STEPS=… STEPS=… CLIPS=…]; continues if cut.
	$(RUN) -m molmo2_trainer $(or $(FOLDER),run/trainer) $(if $(START),--start $(START)) \
	    $(if $(FROM_NOTHING),--from-nothing) $(if $(EYE_STEPS),--eye-steps $(EYE_STEPS)) \
	    $(if $(STEPS),--steps $(STEPS)) $(if $(CLIPS),--clips $(CLIPS))

.PHONY: app
app: .venv/ready  ## Opens the FiftyOne App on the demo's dataset, on this machine only.
	$(RUN) -m molmo2_demo.app

# The archive of the demo model, or of CHECKPOINT=<folder or hub name>
# [REVISION=<the hub's commit>] [LIKE=<the released one it was made from>] [GPU_MEMORY=<GB>]
# [NAME=…] [VERSION=2.0]
# [SET="engine.quantization=int8 …"]; with REFERENCE_PYTHON=… its own code answers.
.PHONY: archive
archive: .venv/ready  ## Builds model-store/molmo2-demo.mar, or that of CHECKPOINT=…
ifdef CHECKPOINT
	$(RUN) -m molmo2_archive $(CHECKPOINT) $(if $(NAME),--name $(NAME)) \
	    $(if $(VERSION),--version $(VERSION)) \
	    $(if $(REVISION),--revision $(REVISION)) $(if $(LIKE),--like $(LIKE)) \
	    $(if $(GPU_MEMORY),--gpu-memory $(GPU_MEMORY)) \
	    $(if $(REFERENCE_PYTHON),--reference-python $(REFERENCE_PYTHON)) \
	    $(foreach change,$(SET),--set $(change))
else
	$(RUN) -m molmo2_archive demo/checkpoint --name molmo2-demo --config molmo2-demo --carry-weights
endif

.PHONY: test
test: check build/kserve  ## Checks style and types, then runs every test, on a real TorchServe and mongod too.
	@scripts/system-packages promtool=prometheus nginx=nginx-light || \
	    echo "without them the tests of Kubernetes' rules, gateway and router over TLS are skipped"
	OMP_NUM_THREADS=1 $(RUN) -m pytest $(TESTS) -n 2 --dist loadfile -m "not gpu and not slow and not browser" --durations 15

.PHONY: test-labels
test-labels: .venv/ready  ## The longer proofs of labelling: 200 videos to the frame, 20 kills survived.
	OMP_NUM_THREADS=1 $(RUN) -m pytest tests/clients/fiftyone -m slow -s --timeout 1800

.PHONY: test-faults
test-faults: .venv/ready  ## Strikes a real server with three dozen faults; writes docs/faults.md.
	@scripts/system-packages nginx=nginx-light prometheus=prometheus
	OMP_NUM_THREADS=1 FAULT_TABLE=docs/faults.md $(RUN) -m pytest tests/e2e/faults \
	    tests/e2e/test_drain.py tests/e2e/test_gateway.py tests/e2e/test_dashboard.py \
	    -m slow -s --timeout 600

.PHONY: fuzz
fuzz: .venv/ready  ## 2,100 damaged videos to a real TorchServe, with good ones between them.
	OMP_NUM_THREADS=1 $(RUN) -m pytest tests/e2e/test_crashes.py -m slow -s --timeout 1800

.PHONY: test-app
test-app: .venv/ready  ## Looks at the FiftyOne App in a browser; pictures go to run/pictures.
	@command -v chromium >/dev/null || { [[ $$(id -u) == 0 ]] && apt-get update -qq && \
	    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; } || \
	    { echo "install this first: sudo apt-get install -y chromium"; exit 1; }
	OMP_NUM_THREADS=1 $(RUN) -m pytest tests/e2e/test_app.py -m browser --timeout 900

# Schemas, policies, rules and gateway are in `make test`; here a whole pod runs, too.
.PHONY: k8s-test
k8s-test: .venv/ready build/kserve  ## Everything of k8s/ that needs no cluster, whole pods too.
	@scripts/system-packages promtool=prometheus nginx=nginx-light
	OMP_NUM_THREADS=1 $(RUN) -m pytest tests/k8s --ignore tests/k8s/lab -n 2 --dist loadfile

# Where containers run, as root; what a machine lacks for that, podman itself says.
.PHONY: k8s-image
k8s-image: .venv/ready  ## Builds the demo's images with buildah; podman plays its manifests.
	REGISTRY=localhost VERSION=test k8s/image/build
	MOLMO2_IMAGES=localhost OMP_NUM_THREADS=1 \
	    $(RUN) -m pytest tests/k8s/test_image_running.py tests/k8s/test_kube_play.py --timeout 900

# On Debian 12: its own source package is what the API server and the controllers are built from.
.PHONY: k8s-lab
k8s-lab: .venv/ready  ## A real API server and autoscaler over real servers: load steps, a rollout.
	k8s/lab/build
	OMP_NUM_THREADS=1 $(RUN) -m pytest tests/k8s/lab -m slow -s --timeout 3600

# KServe's schema is in its client, which wants other versions of half of what is installed here.
build/kserve: | .venv/ready
	@rm -rf $@.part && mkdir -p build
	.venv/bin/pip install -q --no-deps --target $@.part kserve==0.21.0
	@mv $@.part $@ && touch $@

.PHONY: check
check: .venv/ready  ## Style and types only.
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

.PHONY: generated
generated: .venv/ready  ## Writes the generated files anew: gRPC stubs and JSON Schemas.
	tools=$$(mktemp -d) && $(PYTHON) -m venv $$tools && \
	$$tools/bin/pip install -q grpcio-tools==1.75.1 && \
	for room in clients engine; do \
	    $$tools/bin/python -m grpc_tools.protoc -I $$room --python_out=$$room \
	        --grpc_python_out=$$room --pyi_out=$$room $$room/*/wire/*.proto; \
	done; rm -rf $$tools
	$(RUN) -m molmo2_contract.schemas contract/schemas

.PHONY: parity
parity: .venv/ready  ## Compares the engine with the reference's own code, in its own environment.
	REFERENCE=$(REFERENCE) scripts/parity

.PHONY: test-loading
test-loading: .venv/ready  ## Memory of loading a 4 GB checkpoint; on the GPU too where there is one.
	OMP_NUM_THREADS=1 $(RUN) -m pytest tests/engine/model/loading -m "slow or gpu" -s --timeout 1800

.PHONY: bench-decode
bench-decode: .venv/ready build/decode-peer  ## CPU and memory of decoding, beside the reference's.
	OMP_NUM_THREADS=1 $(RUN) bench/decode.py

build/decode-peer:
	.venv/bin/pip install -q --no-deps --target $@.part \
	    molmo_utils==0.0.1 decord2==3.4.0 torchvision==0.29.2
	mv $@.part $@

.PHONY: bench
bench: .venv/ready  ## The engine on this CPU with the demo model, beside transformers' generate.
	OMP_NUM_THREADS=1 $(RUN) bench/engine.py

.PHONY: test-gpu
test-gpu: .venv/ready  ## The engine's CUDA path: on a GPU all of it; on a CPU its kernels, interpreted.
	$(RUN) -m pytest tests/engine/model tests/engine/kv --ignore tests/engine/model/loading --timeout 900

# With any Python whose torch sees a GPU: SHAPE=4B, 8B or O-7B; ONLY=decode,prefill, … for parts.
# Where no package index can be reached, bring build/bench-gpu/wheels along, made by the same Python.
.PHONY: bench-gpu
bench-gpu: build/bench-gpu/packages  ## The engine on a GPU, beside generate and the GPU's ceilings.
	PYTHONPATH=$< $(PYTHON) bench/engine_gpu.py $(if $(SHAPE),--shape $(SHAPE)) $(if $(ONLY),--only $(ONLY))

build/bench-gpu/packages: | build/bench-gpu/wheels
	$(PYTHON) -m pip install -q --no-index --find-links $| -r bench/gpu/requirements.txt --target $@.part
	mv $@.part $@

build/bench-gpu/wheels:
	$(PYTHON) -m pip download -q -r bench/gpu/requirements.txt --dest $@.part
	mv $@.part $@

.PHONY: bench-fiftyone
bench-fiftyone: .venv/ready  ## Videos a second into a FiftyOne dataset, and what writing costs.
	OMP_NUM_THREADS=1 $(RUN) bench/labelling.py

.PHONY: bench-server
bench-server: .venv/ready  ## What TorchServe costs beside the engine, and what overload does.
	OMP_NUM_THREADS=1 $(RUN) bench/server.py

.PHONY: bench-uploads
bench-uploads: .venv/ready  ## What large bodies cost the front end in memory, so many at once.
	OMP_NUM_THREADS=1 $(RUN) bench/uploads.py

.PHONY: bench-load
bench-load: .venv/ready  ## A mixed load of the six operations; LOAD="--users 1 2 4", LOAD=--help.
	OMP_NUM_THREADS=1 $(RUN) bench/load.py $(LOAD)

.PHONY: soak
soak: .venv/ready  ## 30 minutes of load with a fault every 20 s; MINUTES=3 for a short one.
	OMP_NUM_THREADS=1 $(RUN) bench/soak.py $(if $(MINUTES),--minutes $(MINUTES))

.PHONY: bench-autoscaling
bench-autoscaling: .venv/ready  ## Simulates a day of labelling on 200 GPUs: what each signal costs.
	$(RUN) bench/autoscaling.py
