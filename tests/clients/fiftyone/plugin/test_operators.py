"""The operators as the App runs them: at once, and delegated."""

import fiftyone.operators as foo
import pytest
from fiftyone.operators.delegated import DelegatedOperationService
from fiftyone.operators.executor import ExecutionError
from fiftyone.plugins import list_plugins

LABEL = "@molmo2/molmo2/label_samples"
CHECK = "@molmo2/molmo2/check_server"

pytestmark = pytest.mark.usefixtures("secrets")

POINTING = {"operations": ["pointing"], "pointing_prompt": "a nose"}


def execute(dataset, **params):
    """What an immediate run told the App, in order: names and parameters."""
    result = foo.execute_operator(LABEL, {"dataset": dataset}, params=params)
    dataset.reload()
    return [
        (call["operator_uri"], call["params"]) for call in result.executor.to_json()["requests"]
    ]


def test_fiftyone_finds_the_plugin_and_its_operators():
    (plugin,) = list_plugins()

    assert plugin.name == "@molmo2/molmo2"
    assert [operator.uri for operator in foo.list_operators(builtin=False)] == [LABEL, CHECK]


def test_the_label_form_fills_the_dataset_and_shows_how_it_goes(make_dataset):
    dataset = make_dataset(4)

    told = execute(dataset, **POINTING, media="path", concurrency=2)

    names = [name for name, _ in told]
    assert names == [*["set_progress"] * (len(told) - 2), "reload_dataset", "show_output"]
    assert told[-3][1]["progress"] == 1.0
    assert told[-3][1]["label"].startswith("4 of 4")
    result = told[-1][1]["results"]
    assert (result["samples"], result["labelled"], result["failed"]) == (4, 4, 0)
    assert dataset.count("frames.molmo2_points.keypoints") == 4


def test_frames_are_embedded_where_the_form_says_so(make_dataset):
    dataset = make_dataset(2)

    execute(dataset, operations=["embed"], pooling="cls", per_frame=True)

    assert dataset.first().frames[1].molmo2_embedding.tolist() == pytest.approx([0.6, 0.8])


def test_frames_are_sampled_as_the_form_says(make_dataset):
    dataset = make_dataset(1)

    execute(dataset, operations=["embed"], max_frames=4)

    assert dataset.values("molmo2_run.embed.settings") == ['{"max_frames": 4}']


def test_errors_of_samples_are_in_the_outcome(make_dataset):
    dataset = make_dataset(3, question=["what video", "result engine_unavailable", "say 5"])

    told = execute(dataset, operations=["describe"], prompt_field="question")

    shown = told[-1][1]
    (failure,) = shown["results"]["failures"]
    assert failure["sample_id"] == dataset.values("id")[1]
    assert (failure["operation"], failure["kind"]) == ("describe", "engine_unavailable")
    assert "failures" in shown["outputs"]["type"]["properties"]


def test_a_second_run_continues_the_first_unless_told_otherwise(make_dataset):
    dataset = make_dataset(3)
    execute(dataset, **POINTING)

    again = execute(dataset, **POINTING)
    anew = execute(dataset, **POINTING, overwrite=True)

    assert again[-1][1]["results"]["finished"] == 3
    assert anew[-1][1]["results"]["labelled"] == 3


def test_what_ends_a_run_is_shown(make_dataset):
    dataset = make_dataset(2)

    told = execute(dataset, **POINTING, model="nothing of this name")

    assert "nothing of this name" in str(told[-1][1]["results"])


def test_selected_videos_are_labelled_and_no_others(make_dataset):
    dataset = make_dataset(3)
    chosen = dataset.values("id")[1]

    foo.execute_operator(
        LABEL,
        {"dataset": dataset, "selected": [chosen]},
        params={**POINTING, "view_target": "SELECTED_SAMPLES"},
    )

    dataset.reload()
    assert dataset.exists("molmo2_run").values("id") == [chosen]


def test_a_faulty_form_cannot_be_run(make_dataset):
    with pytest.raises(ExecutionError, match=r"describe_prompt\. Reason: Required"):
        execute(make_dataset(1), operations=["describe"])


def test_a_delegated_run_keeps_its_progress_and_its_outcome(make_dataset):
    dataset = make_dataset(3, question=["what video", "result internal", "say 5"])
    service = DelegatedOperationService()

    queued = foo.execute_operator(
        LABEL,
        {"dataset": dataset},
        params={"operations": ["describe"], "prompt_field": "question"},
        request_delegation=True,
    )
    service.execute_queued_operations()

    dataset.reload()
    done = service.get(queued.result["id"])
    assert done.run_state == "completed", done.result
    assert done.status.progress == 1.0
    assert done.status.label.startswith("3 of 3")
    assert (done.result.result["labelled"], done.result.result["failed"]) == (2, 1)
    assert "failures" in done.metadata["outputs_schema"]["type"]["properties"]
    assert len(dataset.exists("molmo2_description")) == 2
    assert "key" not in str(done.context.params)


def test_a_delegated_run_that_an_error_ends_has_failed(make_dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("MOLMO2_KEY_FILE", str(tmp_path / "no key file"))
    service = DelegatedOperationService()

    queued = foo.execute_operator(
        LABEL, {"dataset": make_dataset(1)}, params=POINTING, request_delegation=True
    )
    service.execute_queued_operations()

    done = service.get(queued.result["id"])
    assert done.run_state == "failed"
    assert "cannot be read" in str(done.result.error)


def test_checking_a_server_tells_what_it_serves():
    result = foo.execute_operator(CHECK, {}).result

    assert result["name"] == "echo"
    assert result["max_concurrent_sequences"] == 6


def test_checking_a_server_that_is_away_fails():
    with pytest.raises(ExecutionError, match="ServerUnreachable"):
        foo.execute_operator(CHECK, {}, params={"url": "http://127.0.0.1:1"})
