"""The command line of the archive builder."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from molmo2_archive.build import Archive, BuildError, build

EXAMPLES = """
python -m molmo2_archive demo/checkpoint --name molmo2-demo --config molmo2-demo --carry-weights

python -m molmo2_archive allenai/Molmo2-4B --revision 0123abc --gpu-memory 48

python -m molmo2_archive /weights/Molmo2-8B --gpu-memory 80

python -m molmo2_archive /weights/Molmo2-4B-tuned --like allenai/Molmo2-4B --gpu-memory 80

python -m molmo2_archive /weights/Molmo2-8B --set engine.gpus_per_engine=2
"""


def main(
    checkpoint: Annotated[str, typer.Argument(help="A folder, or a name on the hub.")],
    name: Annotated[str | None, typer.Option(help="Default: the checkpoint's, in lower case.")] = (
        None
    ),
    config: Annotated[
        str, typer.Option(help="One of archive/molmo2_archive/configs, or a .yaml file.")
    ] = ("checkpoint"),
    revision: Annotated[str | None, typer.Option(help="Hub revision to pin.")] = None,
    unpinned: Annotated[
        bool,
        typer.Option(
            "--unpinned", help="Take whatever the hub, or the folder, has when the engine starts."
        ),
    ] = False,
    like: Annotated[
        str | None,
        typer.Option(
            metavar="OWNER/NAME",
            help="The released checkpoint that this one was made from: its settings and notes.",
        ),
    ] = None,
    gpu_memory: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="GB of the GPU: the released checkpoint's settings for it, under those of a "
            ".yaml file. Default: 24, with a .yaml file none.",
        ),
    ] = None,
    carry_weights: Annotated[
        bool, typer.Option("--carry-weights", help="Copy the folder into the archive.")
    ] = False,
    changes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="SECTION.SETTING=VALUE",
            help="Change a setting, e.g. engine.quantization=int8; may be repeated.",
        ),
    ] = None,
    reference_python: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Answer with the released code, to compare: the Python of an environment with "
            "molmo2-torchserve[reference].",
        ),
    ] = None,
    version: Annotated[
        str,
        typer.Option(help="One server holds several; another than 1.0 is in the file's name, too."),
    ] = Archive.version,
    export_path: Annotated[Path, typer.Option(help="Where the .mar is written.")] = (
        Path("model-store")
    ),
) -> None:
    """Builds a TorchServe model archive for a Molmo2 checkpoint."""
    archive = Archive(
        name=name or _name(checkpoint, reference=reference_python is not None),
        checkpoint=checkpoint,
        carry_weights=carry_weights,
        config=config,
        revision=revision,
        unpinned=unpinned,
        like=like,
        gpu_memory=gpu_memory,
        reference_python=reference_python,
        changes=tuple(changes or ()),
        version=version,
    )
    try:
        path = build(archive, export_path)
    except BuildError as error:
        sys.exit(f"molmo2-archive: {error}")
    typer.echo(f"{path} ({path.stat().st_size / 1e6:.1f} MB)")


def _name(checkpoint: str, *, reference: bool) -> str:
    name = checkpoint.rstrip("/").rsplit("/", 1)[-1].lower()
    return f"{name}-reference" if reference else name


if __name__ == "__main__":
    app = typer.Typer(add_completion=False)
    app.command(epilog=EXAMPLES)(main)
    app()
