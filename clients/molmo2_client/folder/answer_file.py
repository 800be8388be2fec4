"""A file of answers: JSON Lines, one line a video, written so that being killed costs no line.

A line is ``{"video": …, "operations": […], "seconds": …}`` with ``"response"``, the contract's
response, or ``"error"``, the contract's error, where the request failed as a whole. ``video`` is
the path within the folder. ``"sampling"`` is there where not all of it was looked
at, or not by default.
"""

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

from pydantic import BaseModel

from molmo2_client.sampling import Sampling
from molmo2_contract.errors import Error
from molmo2_contract.operations import Operation
from molmo2_contract.response import Response


class AnswerFileError(ValueError):
    """The file is not one of answers, holds answers to other questions, or is being written."""


class Answer(BaseModel):
    """What a line says."""

    video: str
    operations: list[Operation]
    sampling: dict[str, float] | None = None
    seconds: float
    response: Response | None = None
    error: Error | None = None

    @property
    def is_finished(self) -> bool:
        """Whether every operation has its answer; otherwise the video is asked again."""
        return self.response is not None and not any(
            result.error is not None for result in self.response.results
        )


def read_answers(path: Path | str) -> Iterator[Answer]:
    """The lines of a file, in their order; a last line that was cut off is left out.

    Raises:
        AnswerFileError: another line is no answer.
    """
    with Path(path).open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            try:
                yield Answer.model_validate(json.loads(line), extra="ignore")
            except ValueError as error:  # also pydantic's
                fault = str(error).partition("\n")[0]
                raise AnswerFileError(
                    f"{path}, line {number}: no answer ({fault}); give another file"
                ) from None


class AnswerFile:
    """The file at ``path``, opened to go on with ``operations`` about videos of this ``sampling``;
    a context manager.

    ``finished`` holds the videos that need not be asked. What was not finished has left the file,
    so that there is one line a video.

    Raises:
        AnswerFileError: see there; the file is as it was.
    """

    def __init__(
        self, path: Path, operations: Sequence[Operation], sampling: Sampling, *, overwrite: bool
    ) -> None:
        self._question = (list(operations), sampling.changed or None)
        self.finished: set[str] = set()
        with _locked(path, path.open("ab")):
            fresh = path.with_name(f".{path.name}.new")
            self._file = _locked(path, fresh.open("wb", buffering=0))
            try:
                if not overwrite:
                    self._keep_finished(path)
                os.fsync(self._file.fileno())
                fresh.replace(path)
            except BaseException:
                self._file.close()
                fresh.unlink()
                raise

    def _keep_finished(self, path: Path) -> None:
        for answer in read_answers(path):
            if not answer.is_finished or answer.video in self.finished:
                continue
            if (answer.operations, answer.sampling) != self._question:
                raise AnswerFileError(
                    f"{path} holds answers to other questions (about {answer.video}); give another"
                    " file to keep both, or overwrite it"
                )
            self.add(answer)
            self.finished.add(answer.video)

    def add(self, answer: Answer) -> None:
        """Appends a line, in one piece."""
        document = answer.model_dump(mode="json", exclude_none=True)
        self._file.write(_line(document) + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _line(document: dict[str, Any]) -> bytes:
    try:
        return json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:  # a file's name need not be text
        return json.dumps(document).encode()


def _locked(path: Path, file: BinaryIO) -> BinaryIO:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise AnswerFileError(f"{path} is being written by another process") from None
    return file
