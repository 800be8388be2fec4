"""The form of ``label_samples``."""

from collections.abc import Sequence
from typing import get_args

import fiftyone as fo
from fiftyone.operators import ExecutionContext, types

from molmo2_client.fiftyone.checks import check_labelling
from molmo2_client.fiftyone.densify import WAYS
from molmo2_client.fiftyone.label import CONCURRENCY
from molmo2_client.fiftyone.plugin.arguments import (
    LABEL_FIELD,
    connection_settings,
    media_by_default,
    prompt_of,
    question,
    sampling,
)
from molmo2_client.settings import Media, Settings
from molmo2_contract.errors import InvalidRequest
from molmo2_contract.images import IMAGE_OPERATION_NAMES
from molmo2_contract.operations import OPERATION_NAMES, PROMPTED, Pooling
from molmo2_contract.video import Video

MAX_CONCURRENCY = 256
"""Largest number of requests under way at once that the form takes."""

_OPERATIONS = {
    "pointing": ("Pointing", "points at every occurrence of what a prompt names"),
    "tracking": ("Tracking", "follows what a prompt names"),
    "describe": ("Description", "answers a question in free text"),
    "temporal_localization": ("Temporal localization", "finds events with start and end"),
    "comprehensive": ("Analysis", "summary, objects, events, text, scene and activities"),
    "embed": ("Embedding", "one vector for the whole"),
}
"""Operation to its name on the screen and what it does."""

_PROMPTS = {
    "pointing": ("Point to the …", 'For example "person\'s nose"'),
    "tracking": ("Track the …", 'For example "person\'s hand"'),
    "describe": ("Question", 'For example "What happens here?"'),
}

_MEDIA = {
    "upload": "the files' bytes",
    "path": "their paths, and can read them",
    "uri": "their URIs, which MOLMO2_MEDIA_PREFIXES make of their paths",
}


def label_form(ctx: ExecutionContext) -> types.Property:
    """What is asked, about which samples, where the answers go, and who is asked.

    A choice that cannot work is an error of the form, and the form cannot be sent.
    """
    inputs = types.Object()
    title = types.View(label="Label with Molmo2")
    if ctx.dataset is None:
        _refuse(inputs, "Open a dataset of videos or images first")
        return types.Property(inputs, view=title)
    inputs.view_target(ctx, action_description="Label")
    _add_question(inputs, ctx)
    _add_answers(inputs, ctx)
    _add_server(inputs, ctx)
    _check(inputs, ctx)
    return types.Property(inputs, view=title)


def _add_question(inputs: types.Object, ctx: ExecutionContext) -> None:
    choices = types.DropdownView(multiple=True)
    of_images = ctx.dataset.media_type == "image"
    for name in IMAGE_OPERATION_NAMES if of_images else OPERATION_NAMES:
        label, description = _OPERATIONS[name]
        choices.add_choice(name, label=label, description=description)
    inputs.list("operations", types.String(), required=True, label="Operations", view=choices)
    chosen = ctx.params.get("operations") or []
    prompted = [name for name in chosen if name in PROMPTED]
    if prompted:
        _add_prompts(inputs, prompted, ctx)
    if not of_images:
        _add_sampling(inputs)
    if "embed" in chosen:
        poolings = [str(pooling) for pooling in Pooling]
        inputs.enum("pooling", poolings, default=poolings[0], label="Pooling of the embedding")
        if not of_images:
            inputs.bool("per_frame", default=False, label="Embed each sampled frame, too")


def _add_sampling(inputs: types.Object) -> None:
    fields = Video.model_fields
    for name, label in (("max_frames", "Frames of a video"), ("max_fps", "Frames a second")):
        add = inputs.int if name == "max_frames" else inputs.float
        description = f"That the model is shown at most; {fields[name].default:g} where left empty"
        add(name, label=label, description=description)


def _add_prompts(inputs: types.Object, operations: Sequence[str], ctx: ExecutionContext) -> None:
    fields = list(ctx.dataset.get_field_schema(ftype=fo.StringField))
    by_field = ctx.params.get("prompt_field")
    for name in operations:
        label, description = _PROMPTS[name]
        inputs.str(
            prompt_of(name),
            required=not by_field,
            label=label,
            description=f"{description}. Where a sample has none" if by_field else description,
        )
    inputs.enum(
        "prompt_field",
        fields,
        label="Prompt field",
        description="A string field with each sample's own prompt (optional)",
        view=types.AutocompleteView(choices=[types.Choice(field) for field in fields]),
    )
    if by_field in fields:
        _tell_missing_prompts(inputs, by_field, operations, ctx)


def _tell_missing_prompts(
    inputs: types.Object, field: str, operations: Sequence[str], ctx: ExecutionContext
) -> None:
    if all(ctx.params.get(prompt_of(name)) for name in operations):
        return
    missing = len(ctx.target_view().exists(field, False))
    if missing:
        label = f"{missing} samples have no prompt in {field!r}: each will be noted as an error"
        inputs.view("missing_prompts", types.Warning(label=label))


def _add_answers(inputs: types.Object, ctx: ExecutionContext) -> None:
    inputs.str(
        "label_field",
        default=LABEL_FIELD,
        label="Label field",
        description="What all new fields begin with",
    )
    has_frames = ctx.dataset.media_type != "image"
    if has_frames and {"pointing", "tracking"} & set(ctx.params.get("operations") or []):
        ways = types.RadioGroup(orientation="horizontal")
        for way, label in zip(
            WAYS, ("No labels", "The last position", "Between both"), strict=True
        ):
            ways.add_choice(way, label=label)
        inputs.enum("densify", WAYS, default=WAYS[0], label="Between the sampled frames", view=ways)
    inputs.bool(
        "overwrite",
        default=False,
        label="Ask again what has been answered",
        description="Otherwise a run continues where the last one ended",
    )


def _add_server(inputs: types.Object, ctx: ExecutionContext) -> None:
    add_connection(inputs, ctx)
    ways = types.RadioGroup()
    for media in get_args(Media):
        ways.add_choice(media, label=_MEDIA[media])
    inputs.enum(
        "media", ways.values(), default=media_by_default(), label="The server gets", view=ways
    )
    inputs.int(
        "concurrency",
        min=1,
        max=MAX_CONCURRENCY,
        default=CONCURRENCY,
        label="Requests under way at once",
    )


def add_connection(inputs: types.Object, ctx: ExecutionContext) -> None:
    """The server's URL and model, which secrets may give too; the token is a secret only."""
    for name, label, description in (
        ("url", "Server", "http(s)://host:8080 or grpc(s)://host:7070"),
        ("model", "Model", "The name that the archive is registered with"),
    ):
        default = ctx.secret(f"MOLMO2_{name.upper()}") or Settings.model_fields[name].default
        inputs.str(name, default=default, label=label, description=description)


def _check(inputs: types.Object, ctx: ExecutionContext) -> None:
    try:
        check_labelling(ctx.target_view(), **question(ctx.params), sampling=sampling(ctx.params))
        connection_settings(ctx)
    except (ValueError, InvalidRequest) as error:
        _refuse(inputs, str(error))


def _refuse(inputs: types.Object, fault: str) -> None:
    view = types.Error(label="This cannot be run", description=fault)
    inputs.view("fault", view, invalid=True, error_message=fault)
