"""From a valid request about images to its response; knows nothing of TorchServe."""

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from molmo2_contract.errors import InvalidRequest, Molmo2Error
from molmo2_contract.images import ImageResult, ImagesRequest, ImagesResponse
from molmo2_contract.limits import MAX_IMAGES
from molmo2_contract.response import ModelInfo
from molmo2_engine.client import EngineConnection, MediaNotHeld
from molmo2_engine.wire import engine_pb2 as wire
from molmo2_handler.engine_messages import (
    failed_image_result,
    to_engine_about_images,
    to_image_result,
)
from molmo2_handler.images import ImageBudget, OpenImage, open_image
from molmo2_handler.request_clock import RequestClock
from molmo2_handler.video import VideoLimits


class ImageAnswerer:
    """Answers requests about images with one engine."""

    def __init__(self, engine: EngineConnection, limits: VideoLimits, model: ModelInfo) -> None:
        self._engine = engine
        self._limits = limits
        self._model = model

    def respond(
        self, request: ImagesRequest, bodies: Sequence[bytes | bytearray], request_id: str
    ) -> ImagesResponse:
        """Raises:
        Molmo2Error: if the request fails before any result; later, the operations that have none
            fail with it.
        """
        clock = RequestClock(request.timeout)
        results: dict[int, ImageResult] = {}
        with ExitStack() as stack:
            images = [stack.enter_context(i) for i in self._open(request, bodies, clock)]
            clock.planned()
            try:
                for event in self._ask(request, images, clock, request_id):
                    if event.WhichOneof("event") != "opened":
                        operation = request.operations[event.index]
                        results[event.index] = to_image_result(operation, event, len(images))
            except Molmo2Error as error:
                if not results:
                    raise
                for index, operation in enumerate(request.operations):
                    results.setdefault(index, failed_image_result(operation, error.to_wire()))
        return ImagesResponse(
            model=self._model,
            images=[image.info for image in images],
            results=[results[index] for index in range(len(request.operations))],
            timing=clock.timing(),
            request_id=request_id,
        )

    def _open(
        self, request: ImagesRequest, bodies: Sequence[bytes | bytearray], clock: RequestClock
    ) -> Iterator[OpenImage]:
        if bool(request.images) == bool(bodies):
            raise InvalidRequest(
                "images: name them as URIs, or send them as the parts image_1, image_2, … and "
                "leave the list empty: one of the two",
                field="images",
            )
        if len(bodies) > MAX_IMAGES:
            raise InvalidRequest(
                f"images: must hold at most {MAX_IMAGES} images; make several requests",
                field="images",
            )
        budget = ImageBudget(self._limits, clock.deadline)
        for place, uri in enumerate(request.images):
            yield open_image(place, uri, None, budget)
        for place, body in enumerate(bodies):
            yield open_image(place, None, bytes(body), budget)

    def _ask(
        self,
        request: ImagesRequest,
        images: Sequence[OpenImage],
        clock: RequestClock,
        request_id: str,
    ) -> Iterator[wire.AnswerEvent]:
        """Asks without pixels first: the engine may hold the images."""
        message = wire.AnswerRequest(
            request_id=request_id,
            images=wire.Images(
                key=_key(images),
                images=[wire.Image(height=i.info.height, width=i.info.width) for i in images],
            ),
            operations=[
                to_engine_about_images(operation, len(images)) for operation in request.operations
            ],
        )
        try:
            yield from self._engine.answer(message, clock.remaining())
        except MediaNotHeld:
            began = time.monotonic()
            for sent, image in zip(message.images.images, images, strict=True):
                sent.pixels = image.pixels().tobytes()
            clock.decoded(time.monotonic() - began)
            yield from self._engine.answer(message, clock.remaining())


def _key(images: Sequence[OpenImage]) -> bytes:
    """32 bytes that are the same for the same images in the same order, and only then."""
    identities = "\n".join(f"image {image.identity}" for image in images)
    return hashlib.blake2b(identities.encode(), digest_size=32).digest()
