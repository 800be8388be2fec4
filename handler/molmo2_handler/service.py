"""The TorchServe handler: reads a request, answers it, and never raises.

A worker is synchronous and takes one request at a time (``batchSize: 1``), so that whatever goes
wrong in it costs that request alone.
"""

import logging
import os
import uuid
from pathlib import Path
from typing import Any

from molmo2_contract.errors import InternalError, Molmo2Error
from molmo2_contract.events import Done, OperationDone
from molmo2_contract.images import ImagesRequest, ImagesResponse
from molmo2_contract.request import InfoRequest, Request
from molmo2_contract.response import ModelInfo, Response
from molmo2_engine.client import PrefixRouting
from molmo2_engine.client.engine_lock import EngineLock
from molmo2_handler.accounts import Account, Accounts
from molmo2_handler.answering import Answerer
from molmo2_handler.drain_gate import DrainGate
from molmo2_handler.engine_process import engine_launch, run_directory
from molmo2_handler.frame_cache import FrameCache, cache_folder
from molmo2_handler.frame_source import FrameSource
from molmo2_handler.image_answering import ImageAnswerer
from molmo2_handler.incoming import Incoming
from molmo2_handler.information import server_info
from molmo2_handler.outgoing import Outgoing
from molmo2_handler.pulse import Pulse
from molmo2_handler.settings import HandlerSettings
from molmo2_handler.video import OpenVideo

logger = logging.getLogger(__name__)


class Molmo2Handler:
    """What TorchServe calls: ``initialize`` once, then ``handle`` for each request."""

    def initialize(self, context: Any) -> None:
        """Ready once the engine of this worker's GPU is: TorchServe then counts the worker."""
        config = context.model_yaml_config
        properties = context.system_properties
        self._settings = HandlerSettings(**(config.get("handler") or {}))
        launch = engine_launch(
            self._settings,
            config["engine"],
            Path(properties["model_dir"]),
            properties.get("gpu_id"),
        )
        version = context.manifest["model"]["modelVersion"]
        engine = EngineLock(launch.socket).name
        self._accounts = Accounts(context.model_name, version, engine)
        most_waiting = self._settings.most_waiting_elsewhere
        self._engine = PrefixRouting(launch, most_waiting, self._accounts.routed)
        description = self._engine.describe()
        self._model = ModelInfo(
            name=context.model_name,
            version=version,
            checkpoint=self._settings.checkpoint or config["engine"]["checkpoint"],
            revision=description.revision or None,
        )
        run = run_directory(self._settings)
        self._gate = DrainGate(run)
        self._pulse = Pulse(run, self._settings.worker_heartbeat_timeout)
        self._pulse.start()
        self._answerer = Answerer(
            self._engine,
            self._settings.video,
            description.frame_size,
            self._model,
            self._frame_source(),
        )
        self._images = ImageAnswerer(self._engine, self._settings.video, self._model)

    def handle(self, data: list[dict[str, Any]], context: Any) -> list[bytes]:
        """Answers the one request of ``data``; every failure becomes an error in the body."""
        incoming = Incoming.from_torchserve(data[0], context.get_all_request_header(0))
        outgoing = Outgoing(context, over_http=incoming.over_http)
        request_id = incoming.request_id or context.get_request_id(0) or uuid.uuid4().hex
        with self._accounts.request(incoming.transport, request_id) as account:
            try:
                return self._respond(incoming, outgoing, account)
            except Molmo2Error as error:
                failure = error
            except Exception as error:
                logger.exception("request %r failed", account.request_id)
                message = f"the server failed on this request: {type(error).__name__}"
                failure = InternalError(message)
            account.outcome = failure.kind.value
            return outgoing.error(
                failure, account.request_id, streaming_call=incoming.streaming_call
            )

    def _respond(self, incoming: Incoming, outgoing: Outgoing, account: Account) -> list[bytes]:
        request = incoming.read(self._settings)
        if isinstance(request, InfoRequest):
            account.outcome = None
            return outgoing.plain(server_info(self._engine, self._settings, self._model))
        account.request_id = request.request_id or account.request_id
        account.operations = [operation.operation for operation in request.operations]
        if self._settings.log_questions:
            asked = {"video", "images", "operations"}
            account.question = request.model_dump(mode="json", include=asked, exclude_none=True)
        self._gate.pass_through()
        with self._accounts.running(), self._pulse.request(request.timeout):
            if isinstance(request, ImagesRequest):
                images = self._images.respond(request, incoming.images, account.request_id)
                return self._plain(images, outgoing, account)
            account.stream = request.stream
            return self._answer(request, incoming, outgoing, account)

    def _frame_source(self) -> FrameSource:
        counted = self._accounts.decoding
        if not self._settings.frame_cache_bytes:
            return FrameSource(frames=counted(OpenVideo.frames))
        folder = cache_folder(run_directory(self._settings), os.getppid())
        cache = FrameCache(folder, self._settings.frame_cache_bytes)
        return FrameSource(cache.info, counted(cache.frames))

    def _answer(
        self, request: Request, incoming: Incoming, outgoing: Outgoing, account: Account
    ) -> list[bytes]:
        if not request.stream:
            response = self._answerer.respond(request, incoming.video, account.request_id)
            return self._plain(response, outgoing, account)
        for event in self._answerer.events(request, incoming.video, account.request_id):
            if isinstance(event, Done):
                return outgoing.last(event)
            if isinstance(event, OperationDone):
                account.result(event.result.error)
            outgoing.send(event)
        raise AssertionError("events end with Done")

    def _plain(
        self, response: Response | ImagesResponse, outgoing: Outgoing, account: Account
    ) -> list[bytes]:
        for result in response.results:
            account.result(result.error)
        return outgoing.plain(response)
