"""Code that was written for FiftyOne's zoo model, run as it stands against a server."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import molmo2_client
from molmo2_client.serving import Ports
from molmo2_demo.generate import generate

pytestmark = pytest.mark.e2e

USAGE = Path(__file__).with_name("seed_usage.md")
VIDEOS = 5

BEFORE = """
import sys

class NoTorch:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "transformers"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoTorch())

import fiftyone as fo
import fiftyone.utils.huggingface

def rendered(name, max_samples, overwrite):
    '''Videos of this machine in the place of those of the hub, with the fields that are used.'''
    dataset = fo.Dataset.from_videos_dir(sys.argv[1], name=name, overwrite=overwrite)
    dataset.set_values("question", ["What happens in this video?"] * len(dataset))
    return dataset

fiftyone.utils.huggingface.load_from_hub = rendered
"""

AFTER = """
assert not {"torch", "transformers"} & set(sys.modules)
assert session.url
count = len(dataset)
assert results.points.shape == (count, 2)

for vector in dataset.values("molmo_embeddings"):
    assert vector.dtype == "float32" and abs((vector**2).sum() - 1) < 1e-5

fields = {
    "prompted_describe": {"description": fo.StringField},
    "answer_pred": {"description": fo.StringField},
    "temporal_localization": {"events": fo.TemporalDetections},
    "comprehensive": {
        "summary": fo.StringField,
        "events": fo.TemporalDetections,
        "objects": fo.TemporalDetections,
        "text_content": fo.TemporalDetections,
        "scene_info_setting": fo.Classification,
        "scene_info_time_of_day": fo.Classification,
        "scene_info_location_type": fo.Classification,
        "activities_primary_activity": fo.Classification,
        "activities_secondary_activities": fo.Classifications,
    },
}
for label_field, kinds in fields.items():
    for suffix, kind in kinds.items():
        field = dataset.get_field(f"{label_field}_{suffix}")
        assert kind in (type(field), getattr(field, "document_type", None)), (suffix, field)
for label_field, suffix in (("point_pred", "points"), ("track_pred", "tracks")):
    assert dataset.get_field(f"frames.{label_field}_{suffix}").document_type is fo.Keypoints
    fields[label_field] = {}

for label_field in fields:
    assert dataset.distinct(f"{label_field}_run.status") == ["ok"], label_field
    assert len(dataset.exists(f"{label_field}_run")) == count, label_field
assert len(dataset.exists("answer_pred_description")) == count
assert len(dataset.exists("comprehensive_summary")) == count
assert dataset.count("temporal_localization_events.detections") > 0
last_frames = dict(zip(*dataset.values(["id", "metadata.total_frame_count"])))
for sample in dataset:
    assert max(sample.frames, default=1) <= last_frames[sample.id]
assert dataset.count("frames.track_pred_tracks.keypoints.instance") > 0
"""


def usage() -> str:
    return "\n".join(re.findall(r"```python\n(.*?)```", USAGE.read_text(), re.DOTALL))


@pytest.mark.timeout(600)
def test_the_usage_of_the_zoo_model_runs_unchanged_and_without_torch(stage, tmp_path, database):
    videos = stage.videos / "seed"
    generate(videos, VIDEOS, seed=5)
    script = tmp_path / "usage.py"
    script.write_text(BEFORE + usage() + AFTER)
    manifest = Path(*molmo2_client.__path__) / "fiftyone/zoo/manifest.json"
    settings = {
        "FIFTYONE_MODEL_ZOO_MANIFEST_PATHS": str(manifest),
        "FIFTYONE_DEFAULT_APP_PORT": str(Ports.unused().http),
        "FIFTYONE_DEFAULT_APP_ADDRESS": "127.0.0.1",
        "MOLMO2_URL": stage.server.http_url,
        "MOLMO2_KEY_FILE": str(stage.server.key_file),
        "MOLMO2_MODEL": "molmo2-demo",
        "NUMBA_DISABLE_JIT": "1",  # UMAP compiles itself for longer than five vectors take
    }

    done = subprocess.run(
        [sys.executable, script, videos],
        env={**os.environ, **settings, **database},
        capture_output=True,
        text=True,
        timeout=560,
    )

    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-6000:]}"
