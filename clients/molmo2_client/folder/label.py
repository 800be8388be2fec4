"""``label_folder``: every video of a folder, several at a time, into a file of answers."""

import time
from collections.abc import Callable
from pathlib import Path

from molmo2_client.call import Operations, several
from molmo2_client.circuit_breaker import CircuitBreaker
from molmo2_client.client import Molmo2
from molmo2_client.concurrent_calls import Call, ConcurrentCalls
from molmo2_client.folder.answer_file import Answer, AnswerFile
from molmo2_client.folder.videos import find_videos
from molmo2_client.sampling import Sampling
from molmo2_client.summary import LabelSummary
from molmo2_contract.errors import Error, ErrorKind, Molmo2Error
from molmo2_contract.operations import Operation
from molmo2_contract.request import Request, parse_request
from molmo2_contract.response import Response
from molmo2_contract.results import Status

Progress = Callable[[int, int], object]
"""Hears how many videos were asked about, and how many there are to ask about."""


def label_folder(
    folder: Path | str,
    operations: Operations,
    *,
    client: Molmo2,
    output: Path | str,
    start: float | None = None,
    end: float | None = None,
    max_frames: int | None = None,
    max_fps: float | None = None,
    concurrency: int = 8,
    max_videos: int | None = None,
    overwrite: bool = False,
    timeout: float | None = None,
    progress: Progress | None = None,
) -> LabelSummary:
    """Asks ``operations`` about every video in ``folder``; each answer is a line of ``output``.

    A call continues where an earlier one with the same ``output`` ended, however it ended: videos
    with an answer to every operation are not asked again. A request that fails is a line too, and
    the others go on.

    Args:
        folder: searched for videos, with the folders in it.
        operations: of the contract, dicts of them, or names where no prompt is needed; one or
            several, of a kind too.
        client: asks the server.
        output: where to write; see ``answer_file``.
        start, end: seconds of each video; only this part is looked at.
        max_frames: frames of a video that the model is shown at most; default 384.
        max_fps: of each second at most; default 2.
        concurrency: requests under way at once.
        max_videos: only the first, in order of name.
        overwrite: forget what ``output`` holds.
        timeout: seconds that the server gets for a request; default the client's.
        progress: called once at the start and after each video.

    Raises:
        NotADirectoryError, FileNotFoundError: there is no such folder, or no video in it.
        InvalidRequest: an operation cannot be asked like this. Nothing was asked.
        AnswerFileError: ``output`` cannot be gone on with. Nothing was asked.
        Unauthorized, EngineUnavailable: the rest would fail alike. As after Ctrl-C, what was
            answered is written.
    """
    folder = Path(folder)
    asked, sampling = _operations(operations), Sampling(max_frames, max_fps, start, end)
    sampling.check()
    videos = [path.as_posix() for path in find_videos(folder)[:max_videos]]

    def ask(video: str) -> Response:
        return client.ask(folder / video, asked, timeout=timeout, **sampling.given)

    with AnswerFile(Path(output), asked, sampling, overwrite=overwrite) as file:
        todo = [video for video in videos if video not in file.finished]
        calls = ConcurrentCalls(ask, todo, concurrency=concurrency)
        summary = LabelSummary(len(videos), len(videos) - len(todo))
        writing = _Writing(file, asked, sampling, summary)

        def tell(done: int) -> None:
            if progress is not None:
                progress(done, len(todo))

        return writing.run(calls, CircuitBreaker(concurrency), tell)


def _operations(operations: Operations) -> list[Operation]:
    request = parse_request({"operations": several(operations)})
    assert isinstance(request, Request)  # what it is depends on its keys
    return request.operations


class _Writing:
    """The writing side of one call."""

    def __init__(
        self,
        file: AnswerFile,
        operations: list[Operation],
        sampling: Sampling,
        summary: LabelSummary,
    ) -> None:
        self._file = file
        self._operations = operations
        self._sampling = sampling
        self._summary = summary
        self._written: set[str] = set()

    def run(
        self,
        calls: ConcurrentCalls[str, Response],
        breaker: CircuitBreaker,
        progress: Callable[[int], object],
    ) -> LabelSummary:
        started = time.monotonic()
        progress(0)
        try:
            with calls:
                for call in calls:
                    self._write(call)
                    breaker.note(call.error)
                    progress(len(self._written))
        finally:
            for call in calls.returned():
                self._write(call)
        self._summary.seconds = time.monotonic() - started
        return self._summary

    def _write(self, call: Call[str, Response]) -> None:
        if call.task in self._written:
            return
        answer = Answer(
            video=call.task,
            operations=self._operations,
            sampling=self._sampling.changed or None,
            seconds=call.seconds,
            response=call.answer,
            error=None if call.error is None else _error(call.error),
        )
        self._file.add(answer)
        self._written.add(call.task)
        self._summary.count(answer.video, _outcomes(answer), _varies(answer))


def _error(error: BaseException) -> Error:
    if isinstance(error, Molmo2Error):
        return error.to_wire()
    return Error(kind=ErrorKind.INTERNAL, message=f"{type(error).__name__}: {error}")


def _varies(answer: Answer) -> bool:
    return answer.response is not None and answer.response.video.variable_frame_rate


def _outcomes(answer: Answer) -> list[tuple[str, Status, Error | None]]:
    if answer.response is None:
        return [(each.operation, Status.ERROR, answer.error) for each in answer.operations]
    return [(each.operation, each.status, each.error) for each in answer.response.results]
