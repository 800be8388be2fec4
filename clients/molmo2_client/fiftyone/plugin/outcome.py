"""What a labelling came to, as the App shows it."""

from dataclasses import asdict
from typing import Any

from fiftyone.operators import types

from molmo2_client.summary import LabelSummary


def outcome(summary: LabelSummary) -> dict[str, Any]:
    """The result of the operator; a delegated run keeps it as a document."""
    return {
        "report": _report(summary),
        "samples": summary.samples,
        "finished": summary.finished,
        "labelled": summary.labelled,
        "failed": summary.failed,
        "failures": [asdict(failure) for failure in summary.failures],
    }


def _report(summary: LabelSummary) -> str:
    """Markdown; the App does not wrap the lines of a table of text, but those of notes."""
    table = "\n".join(["```", *summary.table(), "```"]) if summary.statuses else ""
    parts = [summary.headline(), table, *summary.notes()]
    return "\n\n".join(part for part in parts if part)


def ended_early(error: Exception) -> dict[str, Any]:
    """The result of a run that an error ended. What was answered until then is written."""
    return {"error": str(error)}


def outcome_view(result: dict[str, Any]) -> types.Property:
    """A summary, and a table of the operations that have no answer."""
    outputs = types.Object()
    if "error" in result:
        label = "Ended early; what was answered is written, and the next run continues"
        outputs.view("ended", types.Error(label=label, description=result["error"]))
    else:
        outputs.str("report", view=types.MarkdownView())
    if result.get("failures"):
        outputs.list("failures", types.Object(), label="Without an answer", view=_failures())
    return types.Property(outputs, view=types.View(label="Label with Molmo2"))


def _failures() -> types.TableView:
    table = types.TableView()
    table.add_column("sample_id", label="Sample")
    table.add_column("operation", label="Operation")
    table.add_column("kind", label="Error")
    table.add_column("message", label="Message")
    return table
