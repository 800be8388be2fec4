"""What the model says in words: that there is nothing, and how many there are."""

import re

MAX_SENTENCE_CHARACTERS = 200
"""A longer sentence is an explanation, and is not searched for "there are none"."""

# Punctuation, a digit, "but" or "except" may take back what was said before.
_REST = r"(?:(?!\bbut\b|\bexcept\b)[^,;:?<>\d])*"
_NOTHING_THERE = re.compile(
    rf"""(?:no,\s+)?(?:
        (?:there\s+(?:is|are|was|were)\s+)?(?:none|nothing|no\s+one)\b{_REST}
      | there\s+(?:is|are|was|were)\s+(?:no|not\s+any)\b{_REST}
      | there\s+(?:isn't|aren't|wasn't|weren't)\s+an?y?\b{_REST}
      | i\s+(?:do\s+not|don't|cannot|can't|can\s+not)\s+(?:see|find)\s+any\b{_REST}
      | no\s+{_REST}\b(?:available|found|visible|present|detected|seen|shown)\b{_REST}
      | no(?:\s+(?:points?|tracks?|events?))?
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_FIRST_SENTENCE = re.compile(r"[^.!\n]*")
_TOTAL = re.compile(r"\ba total of (\d{1,9})\b", re.IGNORECASE | re.ASCII)
_BEFORE_TAG = re.compile(
    r"\bthere (?:is|are) (\d{1,9}) <(?:points?|tracks?)\b", re.IGNORECASE | re.ASCII
)
_BARE = re.compile(r"(\d{1,9})\.?", re.ASCII)


def says_nothing_there(text: str) -> bool:
    """Whether the first sentence of ``text`` says that there is nothing to point to: "There are
    none.", "No tracks available." and what is near to them. An explanation may follow it."""
    sentence = _FIRST_SENTENCE.match(text.strip())
    if sentence is None or len(sentence[0]) > MAX_SENTENCE_CHARACTERS:
        return False
    return _NOTHING_THERE.fullmatch(sentence[0].strip(" \"'")) is not None


def stated_count(text: str) -> int | None:
    """The count that the model states, None if it states none.

    That is the sum of "a total of N", which closes an answer's tags, else of "There are N", which
    opens one, else an answer that is nothing but a number.
    """
    for statement in (_TOTAL, _BEFORE_TAG):
        if numbers := statement.findall(text):
            return sum(int(number) for number in numbers)
    bare = _BARE.fullmatch(text.strip())
    return int(bare[1]) if bare else None


def without_open_number(text: str) -> str:
    """``text`` without the digits at its very end, which a cut may have shortened."""
    return text.rstrip("0123456789")
