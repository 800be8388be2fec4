"""One request about one sample."""

from dataclasses import dataclass, field

from molmo2_client.fiftyone.clip import Clip
from molmo2_client.fiftyone.media_type import MediaType
from molmo2_client.sampling import Sampling
from molmo2_contract.errors import InvalidRequest
from molmo2_contract.operations import Operation

DEFAULT_SAMPLING = Sampling()


@dataclass(frozen=True)
class Task:
    """The operations that the sample still lacks.

    ``refused`` holds, by operation, why it cannot even be asked about this sample. ``clip`` says
    which part of the video the sample is, where it is one; ``sampling`` is that of a video.
    """

    sample_id: str
    filepath: str
    operations: list[Operation]
    refused: dict[str, InvalidRequest] = field(default_factory=dict)
    clip: Clip | None = None
    media_type: MediaType = "video"
    sampling: Sampling = DEFAULT_SAMPLING

    @property
    def asked(self) -> list[str]:
        """The names of all operations that this task will have an outcome for."""
        return [*(operation.operation for operation in self.operations), *self.refused]
