"""How long the longest video is."""

import pytest

from molmo2_engine.model.activations import longest_video


@pytest.mark.parametrize("tokens", [9, 100, 777])
def test_the_longest_video_fits_and_one_frame_more_does_not(layout, tokens):
    times = longest_video(layout, tokens)
    assert len(layout.video_prefix(times)[0]) <= max(tokens, len(layout.video_prefix([0.0])[0]))
    assert len(layout.video_prefix([*times, len(times) / 2])[0]) > tokens
