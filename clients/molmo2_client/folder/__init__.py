"""Answers about a folder of videos, as JSON Lines; no FiftyOne is needed.

from molmo2_client import Molmo2
from molmo2_client.folder import label_folder

label_folder("clips", ["comprehensive"], client=Molmo2(), output="answers.jsonl")
"""

from molmo2_client.folder.answer_file import Answer, AnswerFileError, read_answers
from molmo2_client.folder.label import label_folder
from molmo2_client.folder.videos import VIDEO_SUFFIXES, find_videos

__all__ = [
    "VIDEO_SUFFIXES",
    "Answer",
    "AnswerFileError",
    "find_videos",
    "label_folder",
    "read_answers",
]
