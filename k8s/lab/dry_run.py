"""What a real API server says to an overlay, without keeping anything of it."""

from collections.abc import Iterator
from dataclasses import dataclass

from lab.api_server import ApiServer, Object, Refused
from lab.older import as_of


@dataclass(frozen=True)
class Verdict:
    """Of one object."""

    name: str
    fault: str | None
    """Why it was not taken, or what of it got lost."""
    otherwise: list[str]
    """What this version of Kubernetes has to be told in other words."""
    known: bool = True
    """Whether the server has such a kind."""


def judge(api: ApiServer, objects: list[Object]) -> Iterator[Verdict]:
    """Every object by itself, as if it were created."""
    for thing in objects:
        sent, otherwise = as_of(api.version, thing)
        name = f"{thing['kind']} {thing['metadata']['name']}"
        if not api.knows(sent["apiVersion"], sent["kind"]):
            yield Verdict(name, "the server has no such kind", otherwise, known=False)
            continue
        try:
            lost = list(_lost(sent, api.create(sent, dry_run=True)))
        except Refused as refused:
            yield Verdict(name, str(refused), otherwise)
        else:
            yield Verdict(name, f"it drops {', '.join(lost)}" if lost else None, otherwise)


def _lost(sent: object, kept: object, where: str = "") -> Iterator[str]:
    """Fields that the server silently left out: it does not know them."""
    if isinstance(sent, dict) and isinstance(kept, dict):
        for name, value in sent.items():
            if name in kept:
                yield from _lost(value, kept[name], f"{where}.{name}")
            elif value not in ({}, [], None):
                yield f"{where}.{name}".removeprefix(".")
    elif isinstance(sent, list) and isinstance(kept, list):
        for number, pair in enumerate(zip(sent, kept, strict=False)):
            yield from _lost(*pair, f"{where}[{number}]")
