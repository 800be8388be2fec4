"""The engine answers as the reference did when its answers were recorded (``make parity``)."""

from pathlib import Path

import numpy as np
import pytest
import torch
from engine_run import EngineUnderTest
from parity_cases import CASES, Answer, Case, load, logit_bound
from parity_checkpoints import write_checkpoints

GOLDEN = Path(__file__).parent / "golden"
KINDS = ("qwen3", "olmo3", "trained")
AGREEMENT = 0.97
"""Of tokens in bfloat16, which another CPU than the one of the recording rounds otherwise."""

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("parity")
    write_checkpoints(folder)
    return folder


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def engine(folder: Path, kind: str) -> EngineUnderTest:
    return EngineUnderTest(folder / kind, "float32")


@pytest.fixture(scope="module")
def golden(kind: str) -> dict[str, Answer]:
    return load(GOLDEN / f"{kind}.npz")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_prompt_pixels_logits_and_tokens_are_the_references(
    case: Case, engine: EngineUnderTest, golden: dict[str, Answer]
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)  # with one, ATen resizes images with another rounding
    ours = engine.answer(case)
    torch.set_num_threads(threads)
    expected = golden[case.name]
    assert ours.ids == expected.ids
    assert ours.pixels == expected.pixels
    assert ours.tokens == expected.tokens
    bound = logit_bound(golden.values())
    np.testing.assert_allclose(ours.logits[[0, -1]], expected.logits, atol=bound, rtol=0)


def test_answers_vary_so_that_equality_means_something() -> None:
    for kind in KINDS:
        answers = load(GOLDEN / f"{kind}.npz").values()
        assert len({tuple(answer.tokens) for answer in answers}) >= 12
        assert len({answer.pixels for answer in answers}) >= 14  # two videos show the same


def test_in_bfloat16_the_reference_finds_the_same_tokens(
    folder: Path, kind: str, golden: dict[str, Answer]
) -> None:
    engine = EngineUnderTest(folder / kind, "bfloat16")
    agreed = [
        ours == theirs
        for case in CASES
        for ours, theirs in zip(
            engine.choices(case, golden[case.name].tokens), golden[case.name].choices, strict=True
        )
    ]
    assert np.mean(agreed) >= AGREEMENT
