"""Finds the videos of a folder that are most like one video.

    python examples/find_similar_videos.py VIDEO FOLDER vectors.jsonl

MOLMO2_URL and MOLMO2_KEY_FILE say where the server is. The vectors of the folder are kept in the
file, so that another search asks about one video only.
"""

import sys
from operator import mul

from molmo2_client import Embed, Molmo2
from molmo2_client.folder import label_folder, read_answers

SHOWN = 5


def main(video: str, folder: str, vectors: str) -> None:
    with Molmo2() as molmo2:
        print(label_folder(folder, [Embed()], client=molmo2, output=vectors))
        wanted = molmo2.embed(video).embedding

    # Vectors have length 1, so that their product is the cosine of the angle between them.
    similar = [
        (sum(map(mul, wanted, answer.response.results[0].embedding)), answer.video)
        for answer in read_answers(vectors)
        if answer.is_finished
    ]
    for similarity, name in sorted(similar, reverse=True)[:SHOWN]:
        print(f"{similarity:.3f}  {name}")


if __name__ == "__main__":
    main(*sys.argv[1:])
