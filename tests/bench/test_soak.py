"""A soak accounts for every request, compares what was said, and tells growth from movement."""

import random

import pytest
from growth import Growth
from soak_account import Account, Answer, agree

from molmo2_client import EngineUnavailable, Overloaded
from molmo2_contract.results import DescribeResult, EmbedResult, OperationTiming, Status

TRUTH = [
    DescribeResult(status=Status.OK, text="A red circle."),
    EmbedResult(status=Status.OK, embedding=[0.5, 0.25], pooling="mean"),
]
FAILED = DescribeResult(status=Status.ERROR, error=EngineUnavailable("away").to_wire())


def outcome(answer: Answer | Exception) -> tuple[dict[str, int], dict[str, int]]:
    def ask() -> Answer:
        if isinstance(answer, Exception):
            raise answer
        return answer

    account = Account()
    account.request("a", TRUTH, ask)
    return dict(account.counts), dict(account.kinds)


def test_the_right_answer_under_its_own_id_is_answered():
    assert outcome(Answer(["a"], TRUTH)) == ({"answered": 1}, {})


def test_an_answer_of_which_an_operation_failed_is_a_typed_error():
    told = outcome(Answer(["a"], [FAILED, TRUTH[1]]))
    assert told == ({"typed_errors": 1}, {"engine_unavailable": 1})


def test_an_error_of_the_contract_is_typed_and_any_other_loses_the_request():
    assert outcome(Overloaded("busy")) == ({"typed_errors": 1}, {"overloaded": 1})
    assert outcome(KeyError("x")) == ({"lost": 1}, {"KeyError": 1})


@pytest.mark.parametrize("ids", [["b"], [], ["a", "a"]])
def test_another_id_none_or_two_are_duplicates(ids):
    assert outcome(Answer(ids, TRUTH))[0] == {"duplicated": 1}


@pytest.mark.parametrize(
    "results",
    [
        [DescribeResult(status=Status.OK, text="A blue circle."), TRUTH[1]],
        [TRUTH[0], EmbedResult(status=Status.OK, embedding=[0.5, 0.26], pooling="mean")],
        [TRUTH[0], EmbedResult(status=Status.OK, embedding=[0.5], pooling="mean")],
        [DescribeResult(status=Status.PARTIAL, text="A red circle."), TRUTH[1]],
        TRUTH[:1],
    ],
)
def test_an_answer_that_says_something_else_is_wrong(results):
    assert outcome(Answer(["a"], results))[0] == {"wrong": 1}


def test_times_may_differ_and_embeddings_by_the_rounding_of_a_batch():
    timing = OperationTiming(queued=1, prefill=2, decode=3)
    told = [
        TRUTH[0].model_copy(update={"timing": timing}),
        EmbedResult(status=Status.OK, embedding=[0.5001, 0.25], pooling="mean"),
    ]
    assert agree(told, TRUTH)


TIMES = [5.0 * number for number in range(200)]


def test_a_series_that_climbs_is_not_flat_and_its_slope_is_per_hour():
    growth = Growth.of(TIMES, [100 + time / 10 for time in TIMES])
    assert growth.per_hour == pytest.approx(360)
    assert growth.over_all == pytest.approx(99.5)
    assert not growth.is_flat(slack=20)


def test_a_series_that_only_moves_is_flat_however_far_it_moves():
    chance = random.Random(0)
    moves = Growth.of(TIMES, [100 + chance.choice([0, 80]) for _ in TIMES])
    assert moves.is_flat(slack=0)


def test_a_leak_under_the_noise_is_found_where_it_comes_to_more_than_it():
    chance = random.Random(0)
    leak = Growth.of(TIMES, [chance.uniform(0, 40) + time / 10 for time in TIMES])
    assert not leak.is_flat(slack=20)


def test_what_shrinks_is_flat():
    assert Growth.of(TIMES, [-time for time in TIMES]).is_flat(slack=0)
