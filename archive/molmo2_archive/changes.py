"""Settings that are changed on the command line: ``engine.quantization=int8``."""

from typing import Any

import yaml

_FORM = "section.setting=value, e.g. engine.quantization=int8 or minWorkers=8"
_SECTIONS = ("handler", "engine")


class NoSuchSetting(Exception):
    """A change that has no place in the configuration."""


def change(config: dict[str, Any], asked: str) -> None:
    """Sets one value of a ``model-config.yaml``; the value is read as YAML.

    Raises:
        NoSuchSetting: if it is not of that form, or there is no such section or setting.
    """
    name, equals, value = asked.partition("=")
    *sections, setting = name.split(".")
    if not (equals and setting):
        raise NoSuchSetting(f"{asked!r} is not {_FORM}")
    if not sections and setting not in config:
        raise NoSuchSetting(
            f"{asked!r}: there is no {setting} among {', '.join(config)}; other settings of "
            "TorchServe's go into a configuration of one's own (--config)"
        )
    if not sections and setting in _SECTIONS:
        raise NoSuchSetting(f"{asked!r}: {setting} is a section; name a setting of it, {_FORM}")
    place: Any = config
    for section in sections:
        if section not in _SECTIONS and place is config:
            raise NoSuchSetting(f"{asked!r}: the sections are handler and engine")
        place = place.setdefault(section, {})
        if not isinstance(place, dict):
            raise NoSuchSetting(f"{asked!r}: {section} is a value, not a section")
    try:
        place[setting] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise NoSuchSetting(f"{asked!r}: the value is not YAML") from None
