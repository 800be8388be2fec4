"""Questions about images, among those about videos."""

import pytest
import torch
from prometheus_client import CollectorRegistry

from molmo2_contract.errors import InvalidRequest, VideoTooLong
from molmo2_engine.admission import Admission
from molmo2_engine.loop.engine import Engine
from molmo2_engine.loop.job import Embedded, Finished
from molmo2_engine.loop.limits import LoopLimits
from molmo2_engine.metrics.counters import Counters
from molmo2_engine.model.runner import ModelRunner
from molmo2_engine.prompt.cropping import cut
from molmo2_engine.prompt.layout import Layout
from molmo2_engine.wire import engine_pb2 as wire

PROMPTS = ["Point to the penguins.", "Describe this image."]
NEW_TOKENS = 12


def picture(seed, height, width):
    random = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (height, width, 3), generator=random, dtype=torch.uint8)


SETS = {
    "one": [picture(1, 120, 200)],
    "several": [picture(2, 90, 60), picture(3, 84, 84), picture(4, 60, 300)],
}


@pytest.fixture
def admission(layout, grammars):
    return Admission(layout, grammars, max_video_tokens=600, max_context_tokens=640)


@pytest.fixture
def engine(checkpoint, layout):
    runner = ModelRunner(checkpoint, layout, pages=125, page_tokens=16, frames_at_once=4)
    counters = Counters(CollectorRegistry())
    return Engine(runner, checkpoint.end_tokens, LoopLimits(max_sequences=3), counters)


def ask(images, prompts=PROMPTS, embed=False, pixels=True, key=b"images"):
    operations = [
        wire.Operation(generation=wire.Generation(prompt=p, max_new_tokens=NEW_TOKENS, top_p=1))
        for p in prompts
    ]
    if embed:
        operations.append(wire.Operation(embedding=wire.Embedding(pooling=wire.MEAN)))
    pictures = [
        wire.Image(height=i.shape[0], width=i.shape[1], pixels=i.numpy().tobytes() * pixels)
        for i in images
    ]
    return wire.AnswerRequest(images=wire.Images(key=key, images=pictures), operations=operations)


def finish(engine, *jobs):
    for job in jobs:
        assert engine.submit(job)
    while not engine.idle:
        engine.step()
    return [drain(job) for job in jobs]


def drain(job):
    found = []
    while not job.events.empty():
        found.append(job.events.get())
    return found


@pytest.mark.parametrize("name", SETS)
def test_the_prefix_is_the_processors_one_string(layout, reference, name):
    images = [cut(pixels, layout.image_format) for pixels in SETS[name]]
    prefix, visual = layout.images_prefix([image.grid for image in images])
    expected = reference.image_inputs(images, PROMPTS[0])
    assert prefix + layout.question(PROMPTS[0]) == expected["input_ids"][0].tolist()
    marked = expected["mm_token_type_ids"][0].bool().tolist()
    assert visual == marked[: len(visual)]


def test_greedy_tokens_equal_generates_beside_other_media(
    engine, admission, layout, reference, video
):
    clip = video(0, 9)
    frames = wire.Video(key=b"v", times=clip.times, frames=clip.frames.numpy().tobytes())
    beside = ask([])
    beside.video.CopyFrom(frames)
    jobs = [admission.job(ask(images, key=name.encode())) for name, images in SETS.items()]
    answers = finish(engine, *jobs, admission.job(beside))
    for images, events in zip(SETS.values(), answers, strict=False):
        crops = [cut(pixels, layout.image_format) for pixels in images]
        tokens = {e.index: e.tokens for e in events if isinstance(e, Finished)}
        for index, prompt in enumerate(PROMPTS):
            inputs = reference.image_inputs(crops, prompt)
            assert tokens[index] == reference.generate(inputs, NEW_TOKENS)
    tokens = {e.index: e.tokens for e in answers[-1] if isinstance(e, Finished)}
    for index, prompt in enumerate(PROMPTS):
        assert tokens[index] == reference.greedy(clip, prompt, NEW_TOKENS)


def test_an_embedding_pools_the_tokens_of_all_images(
    engine, admission, layout, reference, checkpoint
):
    (events,) = finish(engine, admission.job(ask(SETS["several"], [], embed=True)))
    (vector,) = [event.vector for event in events if isinstance(event, Embedded)]
    crops = [cut(pixels, layout.image_format) for pixels in SETS["several"]]
    inputs = reference.image_inputs(crops, "x")
    with torch.inference_mode():
        hidden = checkpoint.model.model(**inputs).last_hidden_state[0]
    patch = inputs["input_ids"][0] == checkpoint.model.config.image_patch_id
    expected = torch.nn.functional.normalize(hidden[patch].mean(0), dim=0)
    torch.testing.assert_close(vector, expected, atol=1e-5, rtol=1e-4)


def test_images_that_are_held_need_no_pixels(engine, admission):
    assert not engine.submit(admission.job(ask(SETS["one"], pixels=False)))
    finish(engine, admission.job(ask(SETS["one"])))
    (events,) = finish(engine, admission.job(ask(SETS["one"], pixels=False)))
    assert all(event.cached_tokens for event in events if isinstance(event, Finished))


def test_too_many_visual_tokens_are_refused_with_the_bound(admission):
    with pytest.raises(VideoTooLong, match=r"600 \(max_video_tokens\)") as refusal:
        admission.job(ask([picture(5, 400, 400)] * 16, pixels=False))
    assert refusal.value.field == "images"


def test_a_checkpoint_without_an_image_processor_says_so(layout, checkpoint, grammars):
    videos_only = Layout(checkpoint.tokenizer, layout.frame_format)
    admission = Admission(videos_only, grammars, max_video_tokens=600, max_context_tokens=640)
    with pytest.raises(InvalidRequest, match="videos only"):
        admission.job(ask(SETS["one"]))
