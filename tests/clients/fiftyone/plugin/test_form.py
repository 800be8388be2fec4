"""The form of "Label with Molmo2" in the states that choices bring it to."""

import fiftyone as fo
import pytest


@pytest.fixture
def label_form(form, make_dataset):
    dataset = make_dataset(3, question=["what?", None, None], molmo2_summary=["a", "b", "c"])
    return lambda **params: form("label_samples", dataset, **{"label_field": "new", **params})


def fault(properties):
    found = properties.get("fault")
    return found and found["invalid"] and found["error_message"]


def test_without_a_dataset_it_says_so(form):
    assert fault(form("label_samples")) == "Open a dataset of videos or images first"


def test_a_dataset_of_something_else_is_refused(form, database):
    dataset = fo.Dataset()
    dataset.add_sample(fo.Sample(filepath="/no/such/cloud.pcd"))

    assert "must be 'video'" in fault(form("label_samples", dataset, operations=["embed"]))

    dataset.delete()


def test_images_are_offered_what_can_be_asked_of_them(form, make_image_dataset):
    dataset = make_image_dataset(2)

    properties = form("label_samples", dataset, operations=["pointing"], pointing_prompt="a face")

    choices = [choice["value"] for choice in properties["operations"]["view"]["choices"]]
    assert choices == ["pointing", "describe", "embed"]
    assert "densify" not in properties
    assert not fault(properties)
    refused = form("label_samples", dataset, operations=["comprehensive"])
    assert "comprehensive" in fault(refused)


def test_it_offers_six_operations_and_wants_one(label_form):
    properties = label_form()

    choices = [choice["value"] for choice in properties["operations"]["view"]["choices"]]
    assert len(choices) == 6
    assert properties["operations"]["required"]
    assert fault(properties).startswith("operations")


@pytest.mark.parametrize("operation", ["pointing", "tracking", "describe"])
def test_an_operation_that_takes_a_prompt_wants_one(label_form, operation):
    name = f"{operation}_prompt"
    without = label_form(operations=[operation])
    complete = label_form(operations=[operation], **{name: "the ball"})

    assert without[name]["required"]
    assert "prompt" in fault(without)
    assert not fault(complete)


def test_the_others_want_none(label_form):
    operations = ["temporal_localization", "embed"]
    properties = label_form(operations=operations)

    assert not [name for name in properties if "prompt" in name]
    assert properties["pooling"]["default"] == "mean"
    assert properties["per_frame"]["default"] is False
    assert not fault(properties)


def test_a_prompt_field_makes_prompts_optional_and_tells_how_many_are_missing(label_form):
    alone = label_form(operations=["describe"], prompt_field="question")
    with_prompt = label_form(
        operations=["describe"], prompt_field="question", describe_prompt="What is this?"
    )

    assert not alone["describe_prompt"]["required"]
    assert not fault(alone)
    assert alone["missing_prompts"]["view"]["label"].startswith("2 samples have no prompt")
    assert "missing_prompts" not in with_prompt


def test_only_string_fields_are_offered_for_prompts(label_form):
    properties = label_form(operations=["describe"])

    assert "question" in properties["prompt_field"]["type"]["values"]
    assert "metadata" not in properties["prompt_field"]["type"]["values"]


def test_a_clash_of_fields_is_a_fault_and_nothing_is_added(label_form, make_dataset, form):
    dataset = make_dataset(2)
    dataset.add_sample_field("mine_events", fo.FloatField)
    before = dataset.get_field_schema()

    properties = form(
        "label_samples", dataset, operations=["temporal_localization"], label_field="mine"
    )

    assert "mine_events is FloatField, must be TemporalDetections" in fault(properties)
    dataset.reload()
    assert dataset.get_field_schema().keys() == before.keys()


def test_how_files_travel_is_what_the_environment_says(label_form, monkeypatch):
    assert label_form()["media"]["default"] == "upload"

    monkeypatch.setenv("MOLMO2_MEDIA", "path")
    assert label_form()["media"]["default"] == "path"


def test_frames_may_be_sampled_otherwise_and_their_bounds_are_told(label_form):
    properties = label_form(operations=["embed"], max_frames=8, max_fps=0.5)

    assert "384" in properties["max_frames"]["view"]["description"]
    assert not fault(properties)
    assert "video.max_frames" in fault(label_form(operations=["embed"], max_frames=1))


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"label_field": "a.b"}, "label_field='a.b'"),
        ({"label_field": ""}, "must not be empty"),
        ({"url": "ftp://example.org"}, "its scheme must be one of http"),
        ({"media": "telepathy"}, "media"),
        ({"operations": ["describe"], "describe_prompt": "x" * 5000}, "4096"),
    ],
)
def test_what_a_run_would_refuse_is_a_fault_of_the_form(label_form, params, words):
    assert words in fault(label_form(**{"operations": ["embed"], **params}))


def test_server_and_model_come_from_secrets_and_the_token_is_not_shown(form, secrets, monkeypatch):
    monkeypatch.setenv("MOLMO2_TOKEN", "a secret token")

    properties = form("check_server")

    assert properties["url"]["default"].startswith("http://127.0.0.1:")
    assert properties["model"]["default"] == "echo"
    assert "a secret token" not in str(properties)
