"""Errors name arguments of Python; the command names its options."""

import pytest

from molmo2_client import InvalidRequest, Settings
from molmo2_client.command.wording import as_options
from molmo2_client.media import resolve
from molmo2_client.transport import refusals
from molmo2_client.upload import check


def said(function, *arguments, **named):
    with pytest.raises(Exception) as raised:  # noqa: PT011 - whichever it is
        function(*arguments, **named)
    return as_options(str(raised.value))


def test_a_folder_that_nobody_maps_is_answered_with_the_options():
    message = said(resolve, "/data/a.mp4", "uri", {})
    assert "--media uri, and none of --map-prefix (there are none)" in message
    assert "(--map-prefix /here=s3://there), or send its bytes (--media upload)" in message


def test_what_is_too_large_is_sent_as_a_path():
    assert "(--media path)" in said(check, [b"ab"], 1)
    assert "(--media path)" in as_options(refusals.too_large().message)


def test_the_token_stands_in_a_file_or_in_the_environment():
    message = as_options(refusals.unauthorized().message)
    assert message.endswith("give the file (--key-file, MOLMO2_KEY_FILE) or its inference key"
        " (MOLMO2_TOKEN)")  # fmt: skip


def test_a_wrong_setting_is_named_as_it_is_given():
    assert "(given as --timeout or MOLMO2_TIMEOUT)" in said(Settings.load, timeout=0)
    assert "--map-prefix or MOLMO2_MEDIA_PREFIXES" in said(
        Settings.load, media_prefixes={"/a": "b"}
    )


@pytest.mark.parametrize(
    ("python", "command"),
    [
        (
            "Give another label_field, or overwrite=True to",
            "Give another --label-field, or --overwrite to",
        ),
        (
            "prompt_field='what': the dataset has no such",
            "--prompt-field 'what': the dataset has no such",
        ),
        ("video.max_frames: must be at least 2", "video.max_frames: must be at least 2"),
        ("https://a.org/v?model=b&url=c: no video", "https://a.org/v?model=b&url=c: no video"),
        (
            "key_file: /run/key_file.json cannot be read",
            "--key-file: /run/key_file.json cannot be read",
        ),
    ],
)
def test_arguments_become_options_and_fields_and_files_stay(python, command):
    assert as_options(python) == command


def test_what_has_no_option_stays():
    error = InvalidRequest("retries: must be at least 0 (given as retries= or MOLMO2_RETRIES)")
    assert as_options(str(error)) == str(error)
