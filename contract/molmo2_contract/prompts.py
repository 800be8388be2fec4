"""What the model is told for each operation: the templates of the FiftyOne zoo model.

"Point to the {prompt}." and "Track the {prompt}." are among the model's training prompts; the two
JSON prompts are fixed, whitespace included, so that answers stay those that zoo users know.
"""

from typing import assert_never

from molmo2_contract.operations import (
    Comprehensive,
    Describe,
    GeneratedOperation,
    Pointing,
    TemporalLocalization,
    Tracking,
)

TEMPORAL_LOCALIZATION = """\
Localize activity events in the video. Output start and end timestamp for each event.
    Output ONLY valid JSON in this exact format:
    
{
    "start": "mm:ss",
    "end": "mm:ss",
    "description": "event description"
}"""

COMPREHENSIVE = """\
Analyze this video comprehensively. Output ONLY valid JSON in this exact format:

{
  "summary": "Brief description of the video",
  "objects": [{"name": "object name", "first_appears": "mm:ss", "last_appears": "mm:ss"}],
  "events": [{"start": "mm:ss", "end": "mm:ss", "description": "event description"}],
  "text_content": [{"start": "mm:ss", "end": "mm:ss", "text": "text content"}],
  "scene_info": {"setting": "<one-word-description>", "time_of_day": "<one-word-description>", "location_type": "<one-word-description>"},
  "activities": {"primary_activity": "activity name", "secondary_activities": "comma-separated activities"}
}"""


def render(operation: GeneratedOperation) -> str:
    """The user turn that asks the model for ``operation``."""
    match operation:
        case Pointing():
            return f"Point to the {operation.prompt}."
        case Tracking():
            return f"Track the {operation.prompt}."
        case Describe():
            return operation.prompt
        case TemporalLocalization():
            return TEMPORAL_LOCALIZATION
        case Comprehensive():
            return COMPREHENSIVE
        case _:
            assert_never(operation)
