"""The plugin's link in FiftyOne's plugins folder."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import molmo2_client.fiftyone.plugin
from molmo2_client.command.app import app
from molmo2_client.fiftyone.plugin.link import link_plugin

PACKAGE = Path(molmo2_client.fiftyone.plugin.__file__).parent


def test_the_link_leads_to_the_installed_package(plugins):
    assert (plugins / "molmo2").resolve() == PACKAGE


def test_an_earlier_link_is_replaced(plugins):
    (plugins / "molmo2").unlink()
    (plugins / "molmo2").symlink_to("/an/environment/that/is/gone")

    assert link_plugin().resolve() == PACKAGE


def test_what_is_no_link_is_left_alone(plugins):
    (plugins / "molmo2").unlink()
    (plugins / "molmo2").mkdir()

    with pytest.raises(FileExistsError, match="molmo2"):
        link_plugin()


def test_the_command_makes_the_link_and_says_where(plugins):
    (plugins / "molmo2").unlink()

    result = CliRunner().invoke(app, ["plugin"])

    assert result.exit_code == 0, result.output
    assert str(plugins / "molmo2") in result.stdout.replace("\n", "")
    assert (plugins / "molmo2").resolve() == PACKAGE


def test_the_command_tells_what_is_in_the_way(plugins):
    (plugins / "molmo2").unlink()
    (plugins / "molmo2").mkdir()

    result = CliRunner().invoke(app, ["plugin"])

    assert result.exit_code == 2
    assert "remove what is there" in result.stderr
