import subprocess
import sys

import pytest

HEAVY = {"torch", "fiftyone", "numpy", "transformers", "av", "ts"}


def _loaded_by(statement):
    code = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement",
    [
        "import molmo2_client",
        "from molmo2_client import Molmo2; Molmo2(url='http://127.0.0.1:1').close()",
        "from molmo2_client import Molmo2; Molmo2(url='grpc://127.0.0.1:1').close()",
        "import molmo2_client.command.app",
        "import molmo2_client.folder",
    ],
)
def test_neither_the_clients_nor_the_command_load_anything_heavy(statement):
    assert not _loaded_by(statement) & HEAVY


def test_what_asks_again_and_what_prints_is_loaded_when_it_is_needed():
    later = {"stamina", "tenacity", "rich", "typer"}
    assert not _loaded_by("import molmo2_client") & later


def test_a_client_loads_only_the_transport_that_it_uses():
    assert not _loaded_by("import molmo2_client") & {"grpc", "httpx2"}
    over_http = "from molmo2_client import Molmo2; Molmo2(url='http://127.0.0.1:1').close()"
    assert "grpc" not in _loaded_by(over_http)
