"""How well the demonstration model does on held-out videos, through the real server.

    make demo-score

The last line is one JSON object; the exit code is 1 where one of its rates is below ``WANTED``.
"""

import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from molmo2_client import Molmo2, Molmo2Error
from molmo2_client.serving import Ports, ServeOptions, ServerFailed, running_server
from molmo2_contract.operations import Embed
from molmo2_contract.results import Result
from molmo2_demo.answered import Answered, score_vectors, verdict
from molmo2_demo.held_out import MOST_SHAPES, HeldOutVideo, render_held_out
from molmo2_demo.score import Tally

CONCURRENCY = 4


def score(
    archive: Path, folder: Path, count: int, seed: int
) -> tuple[list[tuple[int, Answered]], Tally]:
    """Serves ``archive`` and asks about ``count`` videos; shapes and tallies of each, and that of
    the embeddings of all.

    Raises:
        ServerFailed: the server did not start.
        Molmo2Error: a request failed as a whole.
    """
    _tell(f"rendering {count} videos")
    videos = render_held_out(folder / "videos", count, seed)
    options = ServeOptions(
        model_store=archive.parent,
        models=[archive.stem],
        run_directory=folder / "server",
        ports=Ports.unused(),
        allowed_roots=[folder / "videos"],
    )
    with (
        running_server(options, _tell) as server,
        Molmo2(server.http_url, model=archive.stem, key_file=server.key_file) as molmo2,
        ThreadPoolExecutor(CONCURRENCY) as pool,
    ):

        def ask(video: HeldOutVideo) -> tuple[list[Result], Result]:
            response = molmo2.ask(video.path, video.operations, timeout=600.0)
            copy = molmo2.ask(video.copy, [Embed()], timeout=600.0)
            return response.results, copy.results[0]

        results, copies = zip(*pool.map(ask, videos), strict=True)
    answered = [
        (len(video.all.scene.shapes), Answered.of(video, each))
        for video, each in zip(videos, results, strict=True)
    ]
    return answered, score_vectors([each[-1] for each in results], copies)


def main(
    archive: Annotated[Path, typer.Argument(help="An archive of the model.")],
    folder: Annotated[Path, typer.Option(help="Keeps videos and logs.")] = Path("run/score"),
    count: Annotated[int, typer.Option(min=MOST_SHAPES, help="How many videos.")] = 200,
    seed: Annotated[int, typer.Option(help="Another seed, other videos.")] = 0,
) -> None:
    """Scores what all six operations answer about held-out videos."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        answered, embedded = score(archive.resolve(), folder.resolve(), count, seed)
    except (ServerFailed, Molmo2Error) as error:
        sys.exit(str(error))
    Console().print(_table(answered))
    total = sum((each for _, each in answered), Answered())
    line, below = verdict(total.rates() | {"embedding_hit_rate": embedded.rate})
    for each in below:
        print(each, file=sys.stderr)
    print(line)
    if below:
        raise typer.Exit(1)


def _table(answered: Sequence[tuple[int, Answered]]) -> Table:
    names = [name.removesuffix("_hit_rate").replace("_", " ") for name in Answered().rates()]
    table = Table("shapes", "videos", *names)
    for shapes in range(1, MOST_SHAPES + 1):
        found = [each for count, each in answered if count == shapes]
        rates = sum(found, Answered()).rates().values()
        table.add_row(str(shapes), str(len(found)), *(f"{rate:.3f}" for rate in rates))
    return table


def _tell(message: str) -> None:
    print(message, flush=True)


if __name__ == "__main__":
    typer.run(main)
