"""Prints what some extras of pyproject.toml require, but for torch and the project itself.

python requirements.py pyproject.toml server s3
"""

import re
import sys
import tomllib
from pathlib import Path


def required(project: dict[str, object], extras: list[str]) -> list[str]:
    """Requirements of the project and of its extras, those that extras name included."""
    found = list(project["dependencies"])
    for extra in extras:
        for requirement in project["optional-dependencies"][extra]:
            named = re.fullmatch(rf"{re.escape(project['name'])}\[(.+)\]", requirement)
            if named:
                found += required({**project, "dependencies": []}, named[1].split(","))
            else:
                found.append(requirement)
    return [one for one in dict.fromkeys(found) if re.split(r"[<>=~! ]", one)[0] != "torch"]


if __name__ == "__main__":
    file, *extras = sys.argv[1:]
    print("\n".join(required(tomllib.loads(Path(file).read_text())["project"], extras)))
