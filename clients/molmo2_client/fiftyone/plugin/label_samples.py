"""The operator that labels videos and images: a form in front of ``label_dataset``."""

from collections.abc import Callable, Generator
from typing import Any

from fiftyone.core.utils import ProgressBar
from fiftyone.operators import ExecutionContext, Operator, OperatorConfig, types

from molmo2_client.client import Molmo2
from molmo2_client.errors import Molmo2Error
from molmo2_client.fiftyone import label_dataset
from molmo2_client.fiftyone.plugin.arguments import connection, pace, question, sampling
from molmo2_client.fiftyone.plugin.following import follow
from molmo2_client.fiftyone.plugin.form import label_form
from molmo2_client.fiftyone.plugin.outcome import ended_early, outcome, outcome_view


class LabelSamples(Operator):  # type: ignore[misc]
    """Asks a Molmo2 server about the samples of a view and writes the answers into the dataset.

    At once, it runs as long as the App's page is open; delegated, until it is done. Either way a
    second run continues the first.
    """

    @property
    def config(self) -> OperatorConfig:
        return OperatorConfig(
            name="label_samples",
            label="Label with Molmo2",
            description="Points, tracks, descriptions, events, analyses and embeddings",
            dynamic=True,
            execute_as_generator=True,
            allow_immediate_execution=True,
            allow_delegated_execution=True,
        )

    def resolve_input(self, ctx: ExecutionContext) -> types.Property:
        return label_form(ctx)

    def execute(self, ctx: ExecutionContext) -> dict[str, Any] | Generator[Any, None, None]:
        """The outcome where the run is delegated, else a generator of what the App is to show."""
        if ctx.delegated:
            return _label(ctx, lambda bar: ctx.set_progress(**_progress(bar)))
        return _label_in_sight(ctx)

    def resolve_output(self, ctx: ExecutionContext) -> types.Property | None:
        return outcome_view(ctx.results) if ctx.results else None


def _label(ctx: ExecutionContext, tell: Callable[[ProgressBar], None]) -> dict[str, Any]:
    with Molmo2(**connection(ctx)) as molmo2:
        summary = label_dataset(
            ctx.target_view(),
            **question(ctx.params),
            **sampling(ctx.params).given,
            **pace(ctx.params),
            client=molmo2,
            progress=tell,
        )
    return outcome(summary)


def _label_in_sight(ctx: ExecutionContext) -> Generator[Any, None, None]:
    def labelling(tell: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
        return _label(ctx, lambda bar: tell(_progress(bar)))

    following = follow(labelling)
    try:
        while True:
            yield ctx.ops.set_progress(**next(following))
    except StopIteration as end:
        result = end.value
    except (Molmo2Error, ValueError) as error:
        result = ended_early(error)
    finally:
        following.close()
    yield ctx.ops.reload_dataset()
    yield ctx.ops.show_output(outcome_view(result).to_json(), result)


def _progress(bar: ProgressBar) -> dict[str, Any]:
    rate = f", {bar.iter_rate:.1f} a second" if bar.iter_rate else ""
    return {"progress": bar.progress, "label": f"{bar.iteration} of {bar.total}{rate}"}
