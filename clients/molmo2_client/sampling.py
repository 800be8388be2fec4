"""What of the videos is looked at by a call about many, and how densely."""

from dataclasses import asdict, dataclass
from typing import Any

from molmo2_contract.request import Request, parse_request
from molmo2_contract.video import Video


@dataclass(frozen=True)
class Sampling:
    """What a request says of its video's frames; None stands for the contract's default.

    ``start`` and ``end`` are in seconds; clips of a dataset have their own.
    """

    max_frames: int | None = None
    max_fps: float | None = None
    start: float | None = None
    end: float | None = None

    def check(self) -> None:
        """Raises:
        InvalidRequest: a number is out of its bounds.
        """
        self._video()

    @property
    def given(self) -> dict[str, Any]:
        """The options of a call that say so."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @property
    def changed(self) -> dict[str, Any]:
        """The same without what is the default all the same."""
        return self._video().model_dump(exclude_defaults=True) if self.given else {}

    def _video(self) -> Video:
        request = parse_request({"video": self.given, "operations": [{"operation": "embed"}]})
        assert isinstance(request, Request)  # what it is depends on its keys
        return request.video
