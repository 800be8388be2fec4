"""The rooms import only what they may, so that each installs alone; their files stay readable."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

MAY_IMPORT = {
    "molmo2_contract": (),
    "molmo2_client": ("molmo2_contract",),
    "molmo2_handler": ("molmo2_contract", "molmo2_engine.client", "molmo2_engine.wire"),
    "molmo2_engine": ("molmo2_contract",),
    "molmo2_archive": ("molmo2_contract", "molmo2_handler", "molmo2_engine.settings"),
    "molmo2_demo": ("molmo2_contract", "molmo2_client"),
    "molmo2_trainer": (
        "molmo2_contract",
        "molmo2_demo",
        "molmo2_engine.model.vision",
        "molmo2_engine.model.vision_encoder",
        "molmo2_engine.prompt",
    ),
    "molmo2_ops": ("molmo2_contract", "molmo2_engine.client", "molmo2_engine.wire"),
}
"""What each room may import of the others; itself always."""

MODELS = ("torch", "transformers")
NEVER = {
    "molmo2_contract": (*MODELS, "fiftyone"),
    "molmo2_client": MODELS,
    "molmo2_handler": (*MODELS, "fiftyone"),
    "molmo2_engine": ("fiftyone",),
    "molmo2_engine.client": (*MODELS, "molmo2_engine"),
    "molmo2_engine.wire": (*MODELS, "molmo2_engine"),
    "molmo2_engine.settings": (*MODELS, "molmo2_engine"),
    "molmo2_archive": (*MODELS, "fiftyone"),
    "molmo2_demo": MODELS,
    "molmo2_trainer": ("fiftyone",),
    "molmo2_ops": (*MODELS, "fiftyone"),
}
"""What each may never import: a laptop has no torch, a server no FiftyOne."""

SHARED_BY_BOTH_ENDS = ("molmo2_engine.client", "molmo2_engine.wire")
FIFTYONE_AT_ONCE = "molmo2_client.fiftyone"
FIFTYONE_WHEN_CALLED = "molmo2_client.command.samples"

MAX_LINES = 250
VAGUE = ("utils", "util", "common", "helpers", "misc", "manager")


def test_no_import_goes_against_the_table() -> None:
    assert list(import_faults(ROOT)) == []


def test_every_file_is_short_and_named_after_what_it_holds() -> None:
    assert list(style_faults(ROOT)) == []


def test_every_room_is_looked_at() -> None:
    assert {room(module) for module, _ in modules(ROOT)} == set(MAY_IMPORT)


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("contract/molmo2_contract/errors.py", "import molmo2_client"),
        ("contract/molmo2_contract/errors.py", "from molmo2_handler.video import open_video"),
        ("clients/molmo2_client/call.py", "from molmo2_engine.client import EngineLaunch"),
        ("clients/molmo2_client/call.py", "import torch.nn.functional as F"),
        ("clients/molmo2_client/call.py", "import fiftyone as fo"),
        ("clients/molmo2_client/call.py", "def f():\n    from fiftyone import Sample"),
        ("clients/molmo2_client/command/samples.py", "import fiftyone as fo"),
        ("clients/molmo2_client/fiftyone/fields.py", "from transformers import AutoTokenizer"),
        ("handler/molmo2_handler/service.py", "from molmo2_engine.loop.engine import Engine"),
        ("handler/molmo2_handler/service.py", "from molmo2_engine.loop import engine"),
        ("handler/molmo2_handler/service.py", "import molmo2_engine"),
        ("handler/molmo2_handler/service.py", "def f():\n    import torch"),
        ("handler/molmo2_handler/service.py", "from molmo2_client import Molmo2"),
        ("engine/molmo2_engine/loop/engine.py", "import molmo2_handler.video"),
        ("engine/molmo2_engine/loop/engine.py", "if True:\n    import fiftyone"),
        ("engine/molmo2_engine/client/launch.py", "import torch"),
        ("engine/molmo2_engine/client/launch.py", "from ..loop.engine import Engine"),
        ("engine/molmo2_engine/client/__init__.py", "from ..loop.engine import Engine"),
        ("archive/molmo2_archive/build.py", "import molmo2_engine"),
        ("demo/molmo2_demo/demo.py", "from molmo2_handler import settings"),
    ],
)
def test_the_table_catches(tmp_path: Path, file: str, line: str) -> None:
    write(tmp_path, file, f'"""A module."""\n{line}\n')
    assert len(list(import_faults(tmp_path))) == 1


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("clients/molmo2_client/fiftyone/fields.py", "import fiftyone as fo"),
        ("clients/molmo2_client/command/samples.py", "def f():\n    import fiftyone"),
        ("handler/molmo2_handler/service.py", "from molmo2_engine.wire import engine_pb2"),
        ("handler/molmo2_handler/service.py", "from molmo2_engine import wire"),
        ("engine/molmo2_engine/client/launch.py", "from .channel import OPTIONS"),
        ("engine/molmo2_engine/client/launch.py", "from molmo2_engine.wire import engine_pb2"),
        ("engine/molmo2_engine/loop/engine.py", "import torch"),
    ],
)
def test_the_table_lets_through(tmp_path: Path, file: str, line: str) -> None:
    write(tmp_path, file, f'"""A module."""\n{line}\n')
    assert list(import_faults(tmp_path)) == []


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("engine/molmo2_engine/loop/engine.py", "x = 1\n" * 251),
        ("engine/molmo2_engine/utils.py", ""),
        ("handler/molmo2_handler/common/parts.py", ""),
        ("engine/molmo2_engine/cache_manager.py", ""),
        ("engine/molmo2_engine/cache.py", "class CacheManager:\n    pass\n"),
    ],
)
def test_the_house_style_catches(tmp_path: Path, file: str, text: str) -> None:
    write(tmp_path, file, text)
    assert len(list(style_faults(tmp_path))) == 1


def import_faults(root: Path) -> Iterator[str]:
    for module, path in modules(root):
        for imported, deferred in imports(module, path):
            if not allowed(module, imported, deferred):
                yield f"{path}: {module} imports {imported}"


def allowed(module: str, imported: str, deferred: bool) -> bool:
    if under(imported, "fiftyone") and room(module) == "molmo2_client":
        return under(module, FIFTYONE_AT_ONCE, *([FIFTYONE_WHEN_CALLED] if deferred else []))
    if under(module, *SHARED_BY_BOTH_ENDS) and under(imported, *SHARED_BY_BOTH_ENDS):
        return True
    if any(under(module, place) and under(imported, *names) for place, names in NEVER.items()):
        return False
    return not ours(imported) or under(imported, room(module), *MAY_IMPORT[room(module)])


def style_faults(root: Path) -> Iterator[str]:
    for module, path in modules(root):
        lines = len(path.read_text().splitlines())
        if lines > MAX_LINES and not path.stem.endswith(("_pb2", "_pb2_grpc")):
            yield f"{path} has {lines} lines; {MAX_LINES} at most: one idea a file"
        parts = {part for name in module.split(".") for part in name.split("_")}
        if found := parts & set(VAGUE):
            yield f"{path}: {found.pop()} says nothing about what is in it"
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef) and node.name.lower().endswith(VAGUE):
                yield f"{path}: class {node.name} says nothing about what it does"


def modules(root: Path) -> Iterator[tuple[str, Path]]:
    """Every module of the packages, by its full name."""
    for package in MAY_IMPORT:
        for path in sorted(root.glob(f"*/{package}/**/*.py")):
            parts = path.relative_to(root).with_suffix("").parts[1:]
            yield ".".join(parts), path


def imports(module: str, path: Path) -> Iterator[tuple[str, bool]]:
    """What a module imports, by full names, and whether only when a function is called."""
    tree = ast.parse(path.read_text())
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    later = {id(node) for function in functions for node in ast.walk(function)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, id(node) in later
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*module.split(".")[: -node.level], *filter(None, [node.module])])
            for alias in node.names:
                yield f"{base}.{alias.name}", id(node) in later


def under(name: str, *prefixes: str) -> bool:
    return any(f"{name}.".startswith(f"{prefix}.") for prefix in prefixes)


def room(module: str) -> str:
    return module.split(".")[0]


def ours(module: str) -> bool:
    return room(module).startswith("molmo2_")


def write(root: Path, file: str, text: str) -> None:
    path = root / file
    path.parent.mkdir(parents=True)
    path.write_text(text)
