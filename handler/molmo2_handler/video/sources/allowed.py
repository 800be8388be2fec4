"""What an operator may write into the settings that open a server to the network."""

import importlib.util
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from molmo2_handler.video.sources.host import canonical_host

Store = Literal["s3", "gs", "az"]

STORES: dict[str, tuple[str, str]] = {
    "s3": ("s3fs", "s3"),
    "gs": ("gcsfs", "gcs"),
    "az": ("adlfs", "azure"),
}
"""The package that opens each kind of store, and the extra that installs it."""

_BUCKET = re.compile(
    r"(?P<store>[a-z0-9]+)://(?P<bucket>[A-Za-z0-9][A-Za-z0-9._-]*)(/(?P<key>.+))?"
)


def _host_pattern(pattern: str) -> str:
    """A name or an address, or ``*.`` and a name: all names below that one, not itself."""
    name = pattern.removeprefix("*.")
    host = canonical_host(name)
    if name != pattern and not any(letter.isalpha() for letter in host.rpartition(".")[2]):
        raise ValueError(f"'{pattern}': an address has no names below it")
    return pattern.removesuffix(name) + host


def _bucket_prefix(prefix: str) -> str:
    found = _BUCKET.fullmatch(prefix.rstrip("/"))
    if found is None or found["store"] not in STORES:
        raise ValueError(
            f"'{prefix}' must be {', '.join(f'{store}://bucket' for store in STORES)}, "
            "or one of them with a prefix, s3://bucket/folder"
        )
    package, extra = STORES[found["store"]]
    if importlib.util.find_spec(package) is None:
        raise ValueError(
            f"'{prefix}' needs the package {package}: pip install 'molmo2-torchserve[{extra}]'"
        )
    return prefix.rstrip("/")


HostPattern = Annotated[str, AfterValidator(_host_pattern)]
BucketPrefix = Annotated[str, AfterValidator(_bucket_prefix)]
Port = Annotated[int, Field(ge=1, le=65535)]
