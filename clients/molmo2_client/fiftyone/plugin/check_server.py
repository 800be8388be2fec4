"""The operator that tells what a server serves."""

from typing import Any

from fiftyone.operators import ExecutionContext, Operator, OperatorConfig, types

from molmo2_client.client import Molmo2
from molmo2_client.fiftyone.plugin.arguments import connection
from molmo2_client.fiftyone.plugin.form import add_connection


class CheckServer(Operator):  # type: ignore[misc]
    """Asks a Molmo2 server what it serves; fails as a request would."""

    @property
    def config(self) -> OperatorConfig:
        return OperatorConfig(
            name="check_server",
            label="Check Molmo2 server",
            description="Tells the model, its operations and the server's limits",
        )

    def resolve_input(self, ctx: ExecutionContext) -> types.Property:
        inputs = types.Object()
        add_connection(inputs, ctx)
        return types.Property(inputs, view=types.View(label="Check Molmo2 server"))

    def execute(self, ctx: ExecutionContext) -> dict[str, Any]:
        with Molmo2(**connection(ctx), retries=0) as molmo2:
            info = molmo2.info()
        return {
            **info.model.model_dump(exclude_none=True),
            "operations": ", ".join(info.operations),
            "embedding_dimension": info.embedding_dimension,
            **info.limits.model_dump(),
        }

    def resolve_output(self, ctx: ExecutionContext) -> types.Property:
        outputs = types.Object()
        for name in ctx.results or {}:
            outputs.str(name, label=name.replace("_", " "), view=types.LabelValueView())
        return types.Property(outputs, view=types.View(label="The server answers"))
