"""The grace period is what the longest answers need, computed from the server's own numbers."""

import math

import pytest
from rendering import OVERLAYS, container, model_config, of_kind, option, pod, the

from molmo2_client.serving.beside import _SECONDS_TO_END as SECONDS_TO_END

pytestmark = pytest.mark.parametrize("overlay", OVERLAYS)


def drain_seconds(overlay):
    """The last request of a full queue waits for the queue before it, and then takes longest."""
    config = model_config(overlay)
    turns = math.ceil(config["jobQueueSize"] / config["minWorkers"]) + 1
    return turns * config["handler"]["max_timeout"]


def test_the_drain_may_last_as_long_as_the_last_answer_of_a_full_queue(overlay):
    assert float(option(container(overlay, "server")["args"], "grace")) == drain_seconds(overlay)


def test_the_grace_period_covers_prestop_drain_and_end(overlay):
    prestop = container(overlay, "server")["lifecycle"]["preStop"]["sleep"]["seconds"]
    wanted = prestop + drain_seconds(overlay) + SECONDS_TO_END
    assert pod(overlay)[1]["terminationGracePeriodSeconds"] == wanted


def test_prestop_lasts_until_readiness_has_failed_everywhere(overlay):
    """Endpoints forget a pod when it is deleted; balancers that probe need a few probes more."""
    server = container(overlay, "server")
    probe = server["readinessProbe"]
    noticed = probe["periodSeconds"] * probe["failureThreshold"]
    assert server["lifecycle"]["preStop"]["sleep"]["seconds"] > noticed


def test_a_load_may_take_its_time_before_it_counts_as_failed(overlay):
    server = container(overlay, "server")
    probe = server["startupProbe"]
    load = float(option(server["args"], "start-timeout"))
    assert probe["periodSeconds"] * probe["failureThreshold"] > load
    config = model_config(overlay)
    assert load >= config["startupTimeout"] > config["handler"]["engine_start_timeout"]


def test_a_rollout_that_fetches_weights_and_loads_is_not_given_up(overlay):
    deployments = of_kind(overlay, "Deployment")
    for spec in (one["spec"] for one in deployments if one["metadata"]["name"] == "molmo2"):
        probe = container(overlay, "server")["startupProbe"]
        load = probe["periodSeconds"] * probe["failureThreshold"]
        assert spec["progressDeadlineSeconds"] >= load + 3600


def test_the_gateway_waits_longer_than_any_answer_takes(overlay):
    nginx = the(overlay, "ConfigMap", "molmo2-gateway")["data"]["limits.conf"]
    for name in ("proxy_read_timeout", "grpc_read_timeout", "grpc_send_timeout"):
        (line,) = (line for line in nginx.splitlines() if line.strip().startswith(name))
        assert int(line.split()[1].removesuffix("s;")) > drain_seconds(overlay)


def test_little_waits_in_a_pod(overlay):
    """What waits in one pod cannot move to another: at most one turn of its slots."""
    config = model_config(overlay)
    assert config["jobQueueSize"] <= config["minWorkers"] == config["maxWorkers"]
