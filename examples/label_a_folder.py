"""Asks Molmo2 about every video in a folder, and prints what happens in each.

    python examples/label_a_folder.py VIDEOS answers.jsonl

MOLMO2_URL and MOLMO2_KEY_FILE say where the server is. Answers are written as they come: run it
again to go on after Ctrl-C, or when videos were added.
"""

import sys

from molmo2_client import Describe, Molmo2, TemporalLocalization
from molmo2_client.folder import label_folder, read_answers

OPERATIONS = [Describe(prompt="What happens in this video?"), TemporalLocalization()]


def main(folder: str, output: str) -> None:
    with Molmo2() as molmo2:
        print(label_folder(folder, OPERATIONS, client=molmo2, output=output))

    for answer in read_answers(output):
        if answer.response is None:
            print(f"\n{answer.video}: {answer.error.message}")
            continue
        description, localization = answer.response.results
        print(f"\n{answer.video}: {description.text}")
        for event in localization.events:
            print(f"  {event.start:.1f} to {event.end:.1f} s: {event.description}")


if __name__ == "__main__":
    main(*sys.argv[1:])
