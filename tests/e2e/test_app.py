"""The FiftyOne App on labelled videos, as a browser shows it; leaves pictures in run/pictures."""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytestmark = [pytest.mark.e2e, pytest.mark.browser]

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "run/pictures"
COLORS = {
    "frames.molmo2_points": "#ff2d95",
    "frames.molmo2_tracks": "#00d5ff",
    "molmo2_events": "#ff6d04",
}
"""The fields that the demo's dataset shows at first, and their colours."""

VIDEO = 5
"""Two shapes over a plain background, both there from the start."""

PATIENCE = 120
"""Seconds for the App to start, and for anything in it to appear; the machine may be busy."""

OFFLINE = (
    *("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--no-sandbox"),
)


@pytest.fixture(scope="module")
def videos(stage):
    return stage.videos / "app"


@pytest.fixture(scope="module")
def app(stage, videos, tmp_path_factory):
    """The URL of ``make app``'s program on a labelled dataset, with the plugin and its secrets."""
    folder = tmp_path_factory.mktemp("app")
    server = stage.server
    environment = {
        **os.environ,
        "FIFTYONE_PLUGINS_DIR": str(folder / "plugins"),
        "FIFTYONE_DO_NOT_TRACK": "true",
        "MOLMO2_URL": server.http_url,
        "MOLMO2_MODEL": "molmo2-demo",
        "MOLMO2_KEY_FILE": str(server.key_file),
    }
    label = [sys.executable, Path(__file__).with_name("label_the_demo.py")]
    subprocess.run([*label, folder, videos, server.http_url, server.key_file], check=True)
    subprocess.run(
        [Path(sys.executable).with_name("molmo2"), "plugin"], check=True, env=environment
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    log = folder / "app.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "molmo2_demo.app", "--folder", folder, "--port", port],
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while "Ctrl-C ends it" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.5)
        yield f"http://127.0.0.1:{port}/datasets/molmo2-demo"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    assert chromium, "there is no chromium: make test-app installs it"
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=list(OFFLINE))
        yield running
        running.close()


@pytest.fixture
def page(browser, app):
    """The App's grid, loaded."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = browser.new_page(viewport={"width": 1200, "height": 640})
    page.set_default_timeout(1000 * PATIENCE)
    page.goto(app)
    page.get_by_text("Dismiss").first.click()
    page.locator('canvas[canvas-loaded="true"]').nth(7).wait_for()
    page.mouse.move(700, 600)
    yield page
    page.close()


def places(locator, color):
    """Where dots of ``color`` are in the picture of an element: (x, y) of each, as fractions."""
    picture = np.asarray(Image.open(io.BytesIO(locator.screenshot())).convert("RGB"), int)
    wanted = [int(color[i : i + 2], 16) for i in (1, 3, 5)]
    rows, columns = np.nonzero(np.abs(picture - wanted).max(axis=2) < 12)
    height, width = picture.shape[:2]
    dots = []
    for x, y in zip(columns, rows, strict=True):
        near = [dot for dot in dots if np.hypot(*(np.mean(dot, axis=0) - (x, y))) < 12]
        (near[0] if near else dots.append([]) or dots[-1]).append((x, y))
    return [tuple(np.mean(dot, axis=0) / (width, height)) for dot in dots if len(dot) > 8]


def soon(condition):
    """What ``condition`` returns once that is true."""
    deadline = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    return found


def test_the_grid_shows_points_and_events_and_the_sidebar_all_fields(page):
    points, _, events = COLORS
    for field in (*COLORS, "molmo2_objects"):
        assert page.get_by_text(field, exact=True).first.is_visible()
    assert page.locator(f"[data-cy=tag-{events}]").count() >= 8

    videos = page.locator("[data-cy=looker]")
    soon(lambda: sum(bool(places(videos.nth(i), COLORS[points])) for i in range(8)) >= 5)
    page.screenshot(path=PICTURES / "grid.png")


def test_the_form_labels_the_videos(page):
    page.keyboard.press("`")
    page.get_by_placeholder("Search operations").wait_for()
    page.keyboard.type("molmo2")
    page.get_by_text("Label with Molmo2").first.click()
    page.get_by_role("combobox").first.click()
    assert page.get_by_role("button", name="Execute").first.is_disabled()
    page.get_by_role("option", name="Embedding").click()
    page.get_by_text("Pooling of the embedding").wait_for()
    page.screenshot(path=PICTURES / "form.png")
    page.locator("input[value=molmo2]").fill("again")
    soon(page.get_by_role("button", name="Execute").first.is_enabled)
    page.get_by_role("button", name="Execute").first.click()

    page.get_by_text("8 videos: 8 labelled").wait_for()
    page.screenshot(path=PICTURES / "outcome.png")


def test_a_video_opens_with_points_and_tracks_on_its_shapes(page, videos):
    points, tracks, _ = COLORS
    video = page.locator("[data-cy=looker]").nth(VIDEO)
    video.hover()
    video.click()
    canvas = page.locator("[data-cy=modal-looker-container] canvas").first
    soon(lambda: len(places(canvas, COLORS[points])) == 2)
    page.mouse.move(600, 630)

    truth = json.loads((videos / f"{VIDEO:02}.json").read_text())
    assert on_the_shapes(places(canvas, COLORS[points]), canvas, truth)
    assert places(canvas, COLORS[tracks])
    assert page.get_by_text("is not supported").count() == 0
    page.screenshot(path=PICTURES / "video.png")

    for _ in range(5):
        page.keyboard.press(".")
    soon(lambda: places(canvas, COLORS[tracks]) and not places(canvas, COLORS[points]))


def on_the_shapes(found, canvas, truth):
    """Whether each true centre of the first frame has a dot within a tenth of the video's size."""
    box = canvas.bounding_box()
    scale = min(box["width"] / truth["width"], box["height"] / truth["height"])
    size = np.array([truth["width"], truth["height"]]) * scale
    room = np.array([box["width"], box["height"]])
    dots = [((np.array(dot) * room) - (room - size) / 2) / size for dot in found]
    centres = [track["points"][0] for track in truth["tracks"]]
    return all(min(np.hypot(*(dot - (c["x"], c["y"]))) for dot in dots) < 0.1 for c in centres)
