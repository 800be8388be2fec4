"""Asks our own handler and engine what ``reference_run.py`` asks the reference."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from parity_cases import NEW_TOKENS, VIDEOS, Answer, Case

from molmo2_contract.video import Video
from molmo2_engine.assemble import assemble
from molmo2_engine.loop.job import Finished
from molmo2_engine.model.vision import to_patches
from molmo2_engine.prompt.cropping import cut
from molmo2_engine.settings import EngineSettings
from molmo2_engine.wire import engine_pb2 as wire
from molmo2_handler.video import VideoLimits, open_video

CONTEXT = 8192

Watch = Callable[[torch.Tensor], torch.Tensor]
"""Sees logits, and returns what is taken for them."""


@dataclass(frozen=True)
class Prompt:
    """A case as it reaches the engine."""

    request: wire.AnswerRequest
    ids: list[int]
    patches: torch.Tensor | None


class EngineUnderTest:
    """An engine with nothing else to do, whose logits are seen as they are made."""

    def __init__(self, checkpoint: Path, dtype: str, quantization: str = "none") -> None:
        settings = EngineSettings(
            checkpoint=str(checkpoint),
            socket=Path("no-socket-is-opened"),
            device="cpu",
            dtype=dtype,
            quantization=quantization,
            max_sequences=1,
            max_context_tokens=CONTEXT,
        )
        self._assembly = assemble(settings)
        self._model = self._assembly.checkpoint.model
        self._end_tokens = self._assembly.checkpoint.end_tokens

    def prompt(self, case: Case) -> Prompt:
        request = wire.AnswerRequest(
            operations=[
                wire.Operation(
                    generation=wire.Generation(
                        prompt=case.prompt, max_new_tokens=NEW_TOKENS, top_p=1.0
                    )
                )
            ]
        )
        layout = self._assembly.layout
        if case.video:
            request.video.CopyFrom(self._video(case.video))
            prefix, patches = layout.video_prefix(list(request.video.times))[0], None
            frames = np.frombuffer(request.video.frames, np.uint8)
            size = layout.frame_format.size
            patches = to_patches(
                torch.from_numpy(frames.copy()).reshape(-1, size, size, 3),
                layout.frame_format.patch_size,
            )
        elif case.pictures:
            pixels = [picture.pixels() for picture in case.pictures]
            request.images.CopyFrom(_images(case.name, pixels))
            crops = [cut(torch.from_numpy(image), layout.image_format) for image in pixels]
            prefix = layout.images_prefix([image.grid for image in crops])[0]
            together = torch.cat([image.crops for image in crops])
            patches = to_patches(together, layout.image_format.patch_size)
        else:
            prefix, patches = layout.video_prefix([])[0], None
        return Prompt(request, prefix + layout.question(case.prompt), patches)

    def answer(self, case: Case) -> Answer:
        """Its own greedy answer."""
        prompt = self.prompt(case)
        with self._watched(prompt) as logits:
            self._finish(prompt)
        steps = torch.stack(logits)
        return Answer(
            ids=prompt.ids,
            pixels=_digest(prompt.patches),
            tokens=steps.argmax(-1).tolist(),
            logits=steps.numpy(),
            choices=[],
        )

    def choices(self, case: Case, tokens: list[int]) -> list[int]:
        """The likeliest token after each beginning of ``tokens``."""
        prompt = self.prompt(case)
        with self._watched(prompt, following=tokens) as logits:
            self._finish(prompt)
        return torch.stack(logits[: len(tokens)]).argmax(-1).tolist()

    @torch.inference_mode()
    def _finish(self, prompt: Prompt) -> None:
        if prompt.patches is None:
            self._answer_text(prompt)
            return
        job = self._assembly.admission.job(prompt.request)
        engine = self._assembly.engine
        assert engine.submit(job)
        while not engine.idle:
            engine.step()
        events = []
        while not job.events.empty():
            events.append(job.events.get_nowait())
        assert any(isinstance(event, Finished) for event in events), events

    def _answer_text(self, prompt: Prompt) -> None:
        """A request has media, so text alone is asked of the model that the engine loaded."""
        ids = torch.tensor([prompt.ids])
        self._model.generate(
            ids, attention_mask=torch.ones_like(ids), max_new_tokens=NEW_TOKENS, do_sample=False
        )

    @contextmanager
    def _watched(
        self, prompt: Prompt, following: list[int] | None = None
    ) -> Iterator[list[torch.Tensor]]:
        """Collects the logits before each token; with ``following``, those tokens are picked."""
        seen: list[torch.Tensor] = []

        def watch(output: torch.Tensor) -> torch.Tensor:
            last = output.reshape(-1, output.shape[-1])[-1]
            seen.append(last.float())
            if following is None or len(seen) > len(following):
                return output
            forced = torch.full_like(output, -1e4)
            forced[..., following[len(seen) - 1]] = 0
            return forced

        with self._of_generate(watch) if prompt.patches is None else self._of_engine(watch):
            yield seen

    @contextmanager
    def _of_generate(self, watch: Watch) -> Iterator[None]:
        handle = self._model.lm_head.register_forward_hook(lambda _, __, output: watch(output))
        try:
            yield
        finally:
            handle.remove()

    @contextmanager
    def _of_engine(self, watch: Watch) -> Iterator[None]:
        runner = self._assembly.engine._runner
        extend = runner.extend
        runner.extend = lambda tables, tokens: watch(extend(tables, tokens))
        try:
            yield
        finally:
            del runner.extend

    def _video(self, name: str) -> wire.Video:
        size = self._assembly.layout.frame_format.size
        with open_video(Video(), (VIDEOS / name).read_bytes(), VideoLimits()) as video:
            frames = video.frames(size)
            return wire.Video(
                key=name.encode(),
                times=video.info.sampled.times,
                frames=frames.images.tobytes(),
                frame_numbers=frames.numbers,
            )


def _images(name: str, pixels: list[NDArray[np.uint8]]) -> wire.Images:
    images = [
        wire.Image(height=image.shape[0], width=image.shape[1], pixels=image.tobytes())
        for image in pixels
    ]
    return wire.Images(key=name.encode(), images=images)


def _digest(patches: torch.Tensor | None) -> str:
    if patches is None:
        return ""
    return hashlib.blake2b(patches.numpy().tobytes(), digest_size=16).hexdigest()
