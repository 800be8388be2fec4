"""A checkpoint from wherever it is to a folder here."""

import json
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from rich.filesize import decimal

from molmo2_client.weights.download import download
from molmo2_client.weights.errors import WeightsError
from molmo2_client.weights.part import begun, remove_others
from molmo2_client.weights.remote_file import RemoteFile, choose
from molmo2_client.weights.sources import Source, open_source
from molmo2_contract.weights import RECORD_NAME, WeightFile, WeightsRecord

CONNECTIONS = 4
"""Files that are fetched at once."""

_INSIDE = ".part"
"""Where files are until all are there, in a folder that is there already, maybe as a volume."""


@dataclass(frozen=True)
class Pulled:
    """A checkpoint that is here, whole."""

    folder: Path
    record: WeightsRecord
    fetched: bool
    """Whether anything had to come; False if it was all there."""


@dataclass(frozen=True)
class Listener:
    """Hears how a pull goes."""

    starts: Callable[[int], None] = lambda _: None
    """All bytes of the files."""
    arrived: Callable[[int], None] = lambda _: None
    """Bytes that are here, those of an earlier run too; negative where some must come again."""
    finished: Callable[[str], None] = lambda _: None
    """The name of a file that is whole and verified."""


def pull(
    name: str, folder: Path, *, revision: str | None = None, listener: Listener | None = None
) -> Pulled:
    """Fetches the checkpoint ``name`` into ``folder``, which appears when all of it is there.

    A pull that was interrupted continues; one that was finished asks the source for nothing but
    its list of files. Digests are checked wherever the source tells them.

    Args:
        name: on the hub (``allenai/Molmo2-4B``), a folder, or a URI such as ``s3://bucket/folder``.
        revision: the hub's branch, tag or commit; by default the newest commit.

    Raises:
        WeightsError: saying what is wrong and what to do.
    """
    try:
        return _pull(name, folder.resolve(), revision, listener or Listener())
    except OSError as error:
        raise WeightsError(f"{folder}: {error}") from None


def _pull(name: str, folder: Path, revision: str | None, listener: Listener) -> Pulled:
    source = open_source(name, revision)
    files = choose(source.files(), source.name)
    held = _held(folder, source, files)
    if held is not None:
        return Pulled(folder, held, fetched=False)
    part = folder / _INSIDE if folder.is_dir() else folder.with_name(f".{folder.name}.part")
    listener.starts(sum(file.size for file in files))
    with begun(part, source, files):
        _require_space(part, files)
        record = _fetch(source, files, part, listener)
        (part / RECORD_NAME).write_text(record.model_dump_json(indent=2) + "\n")
        remove_others(part, {*record.files, RECORD_NAME})
        _move(part, folder)
    return Pulled(folder, record, fetched=True)


def _move(part: Path, folder: Path) -> None:
    """A folder that was there, empty, stays: it may be where a volume, or somebody, is."""
    if part.parent != folder:
        part.rename(folder)
        return
    for path in sorted(part.iterdir(), key=lambda path: path.name == RECORD_NAME):
        path.rename(folder / path.name)
    part.rmdir()


def _held(folder: Path, source: Source, files: Sequence[RemoteFile]) -> WeightsRecord | None:
    """The record of ``folder`` if it holds exactly these files; None if it is empty or missing."""
    if not folder.exists() or (folder.is_dir() and {p.name for p in folder.iterdir()} <= {_INSIDE}):
        return None
    try:
        record = WeightsRecord.read(folder)
    except ValueError as error:
        raise WeightsError(f"{folder}: its record is damaged: {error}") from None
    if record is None:
        raise WeightsError(f"{folder}: is there and holds something else; name another folder")
    if (record.source, record.revision) != (source.name, source.revision):
        raise WeightsError(
            f"{folder}: holds {record.source} at {record.revision}, not {source.name} at "
            f"{source.revision}; name another folder, or remove this one"
        )
    for path, known in record.files.items():
        if not (folder / path).is_file() or (folder / path).stat().st_size != known.size:
            raise WeightsError(f"{folder / path}: is damaged; remove the folder and pull again")
    if set(record.files) != {file.path for file in files}:
        raise WeightsError(f"{folder}: has other files than {source.name} now; remove it")
    for file in files:
        if not _is_as_recorded(file, record.files[file.path]):
            raise WeightsError(
                f"{folder / file.path}: may not be what {source.name} has now; remove the "
                "folder, or name another one"
            )
    return record


def _is_as_recorded(file: RemoteFile, known: WeightFile) -> bool:
    if file.is_verifiable:
        return file.sha256 in (None, known.sha256)  # git's digest is the revision's
    return file.mark == known.mark


def _fetch(
    source: Source, files: Sequence[RemoteFile], part: Path, listener: Listener
) -> WeightsRecord:
    """The configuration first: what is no Molmo2 ends there."""
    first, rest = _split(files)
    stopping = threading.Event()

    def arrived(count: int) -> None:
        if stopping.is_set():
            raise WeightsError("another file failed")
        listener.arrived(count)

    fetch = partial(_fetch_one, source, part, replace(listener, arrived=arrived))
    fetched = [fetch(first)]
    _require_molmo2(part / first.path, source.name)
    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="weights") as pool:
        futures = [pool.submit(fetch, file) for file in rest]
        try:
            fetched += [future.result() for future in futures]
        except BaseException:
            stopping.set()
            pool.shutdown(cancel_futures=True)
            raise
    return WeightsRecord(source=source.name, revision=source.revision, files=dict(sorted(fetched)))


def _fetch_one(
    source: Source, part: Path, listener: Listener, file: RemoteFile
) -> tuple[str, WeightFile]:
    written = download(source, file, part, listener.arrived)
    listener.finished(file.path)
    return file.path, written


def _split(files: Sequence[RemoteFile]) -> tuple[RemoteFile, list[RemoteFile]]:
    first = next(file for file in files if file.path == "config.json")
    return first, [file for file in files if file is not first]


def _require_molmo2(config: Path, name: str) -> None:
    try:
        kind = json.loads(config.read_text()).get("model_type")
    except (ValueError, AttributeError) as error:
        raise WeightsError(f"{name}: config.json cannot be read: {error}") from None
    if kind != "molmo2":
        raise WeightsError(f"{name}: model_type is {kind!r}; only 'molmo2' is served")


def _require_space(part: Path, files: Sequence[RemoteFile]) -> None:
    here = sum(path.stat().st_size for path in part.iterdir())
    missing = sum(file.size for file in files) - here
    free = shutil.disk_usage(part).free
    if missing > free:
        raise WeightsError(
            f"{part.parent}: {decimal(missing)} are missing and {decimal(free)} are free; "
            "make room, or name a folder on another disk"
        )
