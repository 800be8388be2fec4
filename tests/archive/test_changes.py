"""Settings that are changed on the command line."""

import pytest

from molmo2_archive.changes import NoSuchSetting, change


@pytest.fixture
def config():
    return {"minWorkers": 16, "handler": {"video": {"max_duration": 60}}, "engine": {"a": 1}}


@pytest.mark.parametrize(
    ("asked", "path", "value"),
    [
        ("engine.quantization=int8", ("engine", "quantization"), "int8"),
        ("engine.gpus_per_engine=2", ("engine", "gpus_per_engine"), 2),
        ("engine.share_gpu=true", ("engine", "share_gpu"), True),
        ("minWorkers=8", ("minWorkers",), 8),
        (
            "handler.video.allowed_roots=[/a, /b]",
            ("handler", "video", "allowed_roots"),
            ["/a", "/b"],
        ),
        ("handler.checkpoint=a=b", ("handler", "checkpoint"), "a=b"),
    ],
)
def test_a_value_is_read_as_yaml_into_its_section(config, asked, path, value):
    change(config, asked)
    found = config
    for name in path:
        found = found[name]
    assert found == value
    assert config["handler"]["video"]["max_duration"] == 60


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("engine.quantization", "is not section.setting=value"),
        ("minWorker=8", "no minWorker among minWorkers, handler, engine"),
        ("handler=3", "handler is a section; name a setting of it"),
        ("=8", "is not section.setting=value"),
        ("engin.quantization=int8", "the sections are handler and engine"),
        ("engine.a.b=1", "a is a value"),
        ("engine.a=[", "not YAML"),
    ],
)
def test_what_has_no_place_is_refused(config, asked, reason):
    with pytest.raises(NoSuchSetting, match=reason):
        change(config, asked)
