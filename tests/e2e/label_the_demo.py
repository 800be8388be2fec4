"""Labels rendered videos as the demo does, into a database of its own.

    python label_the_demo.py FOLDER VIDEOS URL KEY_FILE

FOLDER is then what ``python -m molmo2_demo.app --folder`` opens. A process of its own, because
FiftyOne keeps its first database as long as a process lives.
"""

import sys
from pathlib import Path

from molmo2_client import Molmo2
from molmo2_client.fiftyone.database import private_database
from molmo2_demo.appearance import arrange
from molmo2_demo.dataset import make_dataset
from molmo2_demo.demo import label
from molmo2_demo.generate import generate

COUNT = 8
SEED = 0


def main(folder: Path, videos: Path, url: str, key_file: Path) -> None:
    rendered = generate(videos, COUNT, SEED)
    with (
        private_database(folder / "database"),
        Molmo2(url, model="molmo2-demo", key_file=key_file) as client,
    ):
        dataset = make_dataset(rendered)
        outcomes = label(dataset, rendered, "http", client)
        arrange(dataset)
    assert not any(outcome.errors for outcome in outcomes), outcomes


if __name__ == "__main__":
    folder, videos, url, key_file = sys.argv[1:]
    main(Path(folder), Path(videos), url, Path(key_file))
