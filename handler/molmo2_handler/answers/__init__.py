"""The language of the answers: what each is held to, and the results that its text stands for.

Nothing here raises over what the model wrote: what can be read is kept, what cannot is counted and
named in the result's ``reason``, and the text itself always travels with the result.
"""

from molmo2_handler.answers.describing import read_describe
from molmo2_handler.answers.grammar import Grammar, grammar_of, grammar_of_images
from molmo2_handler.answers.image_pointing import read_image_pointing
from molmo2_handler.answers.progress import ProgressReader
from molmo2_handler.answers.read import read_answer
from molmo2_handler.answers.timeline import Timeline

__all__ = [
    "Grammar",
    "ProgressReader",
    "Timeline",
    "grammar_of",
    "grammar_of_images",
    "read_answer",
    "read_describe",
    "read_image_pointing",
]
