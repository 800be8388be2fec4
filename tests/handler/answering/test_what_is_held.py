"""A video is decoded once and prefilled once, whoever asks about it."""

from molmo2_engine.client import MediaNotHeld
from molmo2_handler.frame_cache import FrameCache
from molmo2_handler.frame_source import FrameSource
from molmo2_handler.video import OpenVideo


def test_one_prefill_of_the_video_serves_every_operation(responses):
    paying, *others = responses[0].results
    video_tokens = others[-1].usage.prompt_tokens
    assert paying.usage.cached_tokens == 0
    assert [result.usage.cached_tokens for result in others] == [video_tokens] * 5


def test_a_second_request_about_the_video_decodes_and_prefills_nothing(responses):
    first, second = responses
    assert first.timing.decode > 0
    assert second.timing.decode == 0
    cached = {result.usage.cached_tokens for result in second.results}
    assert cached == {first.results[-1].usage.prompt_tokens}


class Forgetful:
    """A real engine that says of every video that it does not hold it."""

    def __init__(self, engine):
        self._engine = engine

    def answer(self, request, timeout):
        if not request.video.frames:
            raise MediaNotHeld
        return self._engine.answer(request, timeout)


def test_what_an_engine_does_not_hold_is_not_read_again_where_any_worker_decoded_it(
    engine, make_answerer, asked, tmp_path, monkeypatch
):
    caches = [FrameCache(tmp_path / "frames-1", 2**26) for _ in range(2)]
    first, second = (
        make_answerer(Forgetful(engine), FrameSource(cache.info, cache.frames)) for cache in caches
    )
    expected = first.respond(asked, None, "r")
    monkeypatch.setattr(OpenVideo, "frames", None)
    monkeypatch.setattr(OpenVideo, "info", None)
    found = second.respond(asked, None, "r")
    assert found.video == expected.video
    assert found.results[1].tracks == expected.results[1].tracks
    for cache in caches:
        cache.close()
