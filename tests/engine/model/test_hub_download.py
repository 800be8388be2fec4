"""A name on the hub is downloaded when the engine starts: weights and words, never code."""

import os
import subprocess
import sys

from small_hub import COMMIT, FETCHED, NAME, SmallHub, checkpoint_files, serve


def test_code_and_pickles_stay_on_the_hub(tmp_path):
    with serve(SmallHub(NAME, checkpoint_files())) as hub:
        environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path)}
        given = [f"--checkpoint={NAME}", f"--revision={COMMIT}", f"--socket={tmp_path}/e.sock"]
        done = subprocess.run(
            [sys.executable, "-m", "molmo2_engine", *given],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
    (snapshot,) = tmp_path.glob("hub/models--*/snapshots/*")
    assert snapshot.name == COMMIT
    assert {path.name for path in snapshot.iterdir()} == FETCHED
    assert {name for name, _ in hub.asked} == FETCHED
    last = done.stderr.splitlines()[-1]
    assert last == (
        f"molmo2-engine: {snapshot}: processor_config.json is missing; pull the checkpoint again"
    )
