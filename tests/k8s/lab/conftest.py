"""A real control plane for the tests of this folder: `make k8s-lab` builds it."""

import pytest
from lab.control_plane import PROGRAMS, control_plane


@pytest.fixture(scope="module")
def plane(tmp_path_factory):
    if not (PROGRAMS / "kube-controller-manager").exists():
        pytest.skip("there is no API server: make k8s-lab")
    with control_plane(tmp_path_factory.mktemp("plane")) as plane:
        yield plane
