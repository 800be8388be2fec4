"""What the App shows of the demo's dataset when it opens."""

import fiftyone as fo

from molmo2_demo.answers import LABEL_FIELD

COLORS = {
    f"frames.{LABEL_FIELD}_points": "#ff2d95",
    f"frames.{LABEL_FIELD}_tracks": "#00d5ff",
    f"{LABEL_FIELD}_events": "#ff6d04",
}
"""The fields that are shown at first, and their colours; the others are a click away."""


def arrange(dataset: fo.Dataset) -> None:
    """Shows points, tracks and events of ``dataset``, and its labels above its other fields."""
    config = dataset.app_config
    config.active_fields = fo.ActiveFields(paths=list(COLORS))
    config.color_scheme = fo.ColorScheme(
        fields=[{"path": path, "fieldColor": color} for path, color in COLORS.items()]
    )
    groups = config.default_sidebar_groups(dataset)
    config.sidebar_groups = sorted(groups, key=lambda group: "label" not in group.name)
    dataset.save()
