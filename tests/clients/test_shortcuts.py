"""The two clients have the same methods, which take the same arguments."""

from inspect import getmembers, isfunction, signature

import pytest

from molmo2_client import AsyncMolmo2, Molmo2
from molmo2_client.shortcuts import AsyncShortcuts, Shortcuts


def methods(client):
    return {name: one for name, one in getmembers(client, isfunction) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("client", "other"),
    [(Molmo2, AsyncMolmo2), (Shortcuts, AsyncShortcuts)],
    ids=lambda c: c.__name__,
)
def test_what_one_client_can_be_asked_the_other_can(client, other):
    parameters = {name: signature(one).parameters for name, one in methods(client).items()}

    assert parameters == {name: signature(one).parameters for name, one in methods(other).items()}
    assert {"ask", "point", "track", "describe", "localize", "analyze", "embed"} <= set(parameters)


def test_every_shortcut_says_what_it_does():
    undescribed = [
        name
        for client in (Molmo2, AsyncMolmo2)
        for name, method in methods(client).items()
        if not method.__doc__
    ]

    assert undescribed == []
