import pytest

from molmo2_handler.answers.phrases import says_nothing_there, stated_count, without_open_number


@pytest.mark.parametrize(
    "text",
    [
        "There are none.",
        "there are none",
        " There is none in this video.\n",
        "None.",
        "No tracks available.",
        "No points available.",
        "No penguins are visible in the video.",
        "No events were detected.",
        "There are no penguins.",
        "There is no red car in the video. It shows a blue one, parked.",
        "There aren't any.",
        "I don't see any penguins.",
        "No, there are none.",
        '"There are none."',
        "No.",
        "Nothing.",
    ],
)
def test_saying_that_there_is_nothing(text: str):
    assert says_nothing_there(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "There are 3 penguins.",
        "There are no penguins but two ducks.",
        "There are no penguins, only ducks",
        "Nonetheless it is a penguin.",
        "Nobody knows.",
        "No penguin moves faster than this one.",
        "The video shows none other than the penguin.",
        "It cannot be determined from the video how many there are.",
        "There are no " + "very " * 50 + "small penguins.",
    ],
)
def test_saying_anything_else(text: str):
    assert not says_nothing_there(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('Counting the <points coords="">x</points> shows a total of 14.', 14),
        ("a total of 2. And the cats: a total of 3.", 5),
        ('There are 7 <points coords="">x</points>.', 7),
        ('There is 1 <point coords="">x</point>.', 1),
        ("12", 12),
        (" 12.\n", 12),
        ("0", 0),
        ("There are 7 days in a week.", None),
        ("12 monkeys", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_a_stated_count(text: str, count: int | None):
    assert stated_count(text) == count


def test_a_number_at_the_very_end_of_a_cut_off_text_is_left_out():
    assert without_open_number("shows a total of 1") == "shows a total of "
    assert without_open_number("shows a total of 1.") == "shows a total of 1."
