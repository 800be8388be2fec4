"""Which files of a folder are videos."""

from pathlib import Path

VIDEO_SUFFIXES = (
    *(".avi", ".flv", ".gif", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4"),
    *(".mpeg", ".mpg", ".mts", ".ogv", ".ts", ".webm", ".wmv"),
)
"""Suffixes, in lower case, of the containers that the server reads."""


def find_videos(folder: Path) -> list[Path]:
    """The videos in ``folder`` and the folders in it, as paths within it, in order of name.

    Hidden files and folders are left out.

    Raises:
        NotADirectoryError: there is no such folder.
        FileNotFoundError: there is no video in it.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: no such folder")
    files = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    found = sorted(path for path in files if _is_video(path))
    if not found:
        raise FileNotFoundError(
            f"{folder}: no video in it; looked for files that end in {', '.join(VIDEO_SUFFIXES)}"
        )
    return found


def _is_video(path: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in VIDEO_SUFFIXES and not hidden
