"""Who is let in while a server is being drained."""

import pytest

from molmo2_contract.errors import Overloaded
from molmo2_contract.run_directory import DRAINING
from molmo2_handler.drain_gate import DrainGate


def test_a_server_that_is_not_drained_lets_everybody_in(tmp_path):
    DrainGate(tmp_path).pass_through()


def test_a_new_request_is_told_to_ask_elsewhere(tmp_path):
    (tmp_path / DRAINING).touch()
    with pytest.raises(Overloaded, match="being stopped") as refused:
        DrainGate(tmp_path).pass_through()
    assert refused.value.retry_after


def test_those_who_waited_when_it_began_are_let_in_by_whatever_worker(tmp_path):
    (tmp_path / DRAINING).write_bytes(bytes(3))
    for _ in range(3):
        DrainGate(tmp_path).pass_through()
    with pytest.raises(Overloaded):
        DrainGate(tmp_path).pass_through()
