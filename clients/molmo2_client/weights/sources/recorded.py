"""A place that may hold the record of an earlier pull beside the files."""

from molmo2_client.weights.errors import WeightsError
from molmo2_client.weights.remote_file import RemoteFile
from molmo2_contract.weights import RECORD_NAME, WeightsRecord


class RecordedSource:
    """What the record says counts: where the checkpoint is from, its revision, and the digests.

    So a copy of what was pulled, on a volume or in a store, is what it is a copy of.
    """

    def __init__(self, place: str, record: bytes | None) -> None:
        """``place`` is the name of a checkpoint without a record.

        Raises:
            WeightsError: the record cannot be read.
        """
        try:
            self._record = None if record is None else WeightsRecord.model_validate_json(record)
        except ValueError as error:
            raise WeightsError(f"{place}: its {RECORD_NAME} is damaged: {error}") from None
        self.name = self._record.source if self._record else place

    @property
    def revision(self) -> str | None:
        return self._record.revision if self._record else None

    def remote_file(self, name: str, size: int, version: str) -> RemoteFile:
        """A file of this place, with the digest that it had."""
        known = self._record.files.get(name) if self._record else None
        return RemoteFile(name, size, known.sha256 if known else None, version=version)
