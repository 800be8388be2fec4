"""What an older Kubernetes does not know is said in its words, or goes along as a note."""

import pytest
from lab.older import SIDECARS, SLEEP, as_of
from rendering import rendered, the


def test_a_kind_has_its_name_of_then():
    budget, otherwise = as_of((1, 20), the("gpu", "PodDisruptionBudget", "molmo2"))
    assert budget["apiVersion"] == "policy/v1beta1"
    assert len(otherwise) == 2


def test_sidecars_and_the_sleep_before_sigterm_become_notes():
    deployment = the("gpu", "Deployment", "molmo2")
    older, otherwise = as_of((1, 20), deployment)
    template = older["spec"]["template"]
    assert [one["name"] for one in template["spec"]["containers"]] == ["server", "gateway"]
    assert template["metadata"]["annotations"] == {SIDECARS: "gateway", SLEEP: "15"}
    assert "preStop" not in str(older)
    assert otherwise == ["sidecars are containers", "no preStop.sleep"]
    assert "preStop" in str(deployment)  # the manifest itself is as it was


@pytest.mark.parametrize("overlay", ["production", "autoscale-hpa"])
def test_a_newer_one_takes_everything_as_it_is(overlay):
    for thing in rendered(overlay):
        assert as_of((1, 30), thing) == (thing, [])
