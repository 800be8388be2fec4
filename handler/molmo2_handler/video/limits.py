"""What one server takes as a video. Settings of its operator; every refusal names its setting."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, IPvAnyNetwork

from molmo2_contract.limits import MAX_FRAMES
from molmo2_handler.video.sources.allowed import BucketPrefix, HostPattern, Port, Store


def _absolute(root: Path) -> Path:
    if not root.is_absolute():
        raise ValueError(f"'{root}' must be an absolute path")
    return root


class VideoLimits(BaseModel):
    """Bounds on the videos that a server opens, and on what it spends on one of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_roots: tuple[Annotated[Path, AfterValidator(_absolute)], ...] = Field(
        (), description="Folders whose files a file: URI may name. None: no files."
    )
    allowed_hosts: tuple[HostPattern, ...] = Field(
        (), description="Hosts of http: and https: URIs: names, addresses, or *.example.org."
    )
    allowed_ports: tuple[Port, ...] = Field(
        (80, 443), description="Ports of http: and https: URIs."
    )
    allowed_addresses: tuple[IPvAnyNetwork, ...] = Field(
        (), description="Networks of allowed hosts that are not public, such as 10.1.0.0/16."
    )
    max_redirects: int = Field(5, ge=0, description="Redirects between a URI and its video.")
    allowed_buckets: tuple[BucketPrefix, ...] = Field(
        (), description="s3://bucket or s3://bucket/folder; gs: and az: likewise."
    )
    store_options: dict[Store, dict[str, Any]] = Field(
        {}, description="What fsspec opens a store with, such as s3: {endpoint_url: …}."
    )
    max_video_bytes: int = Field(512 * 2**20, gt=0, description="Bytes of one video.")
    max_duration: float = Field(4 * 3600.0, gt=0, description="Seconds of one video.")
    max_frame_count: int = Field(2_000_000, gt=0, description="Frames stored in one video.")
    max_pixels: int = Field(8192 * 4320, gt=0, description="Pixels of one stored frame, or image.")
    max_decoded_frames: int = Field(
        500_000, gt=0, description="Frames decoded to get at those that are sampled."
    )
    max_decode_cpu_seconds: float = Field(
        300.0,
        gt=0,
        description="CPU seconds that a worker spends on reading and decoding a video, or the "
        "images of a request.",
    )
    max_decode_memory_bytes: int = Field(
        2 * 2**30, gt=0, description="Bytes of memory that decoding one video or image may take."
    )
    max_images_bytes: int = Field(
        2**27, gt=0, description="Bytes of the images of one request, together."
    )
    max_images_pixels: int = Field(
        100_000_000, gt=0, description="Pixels of the images of one request, together."
    )
    max_sampled_frames: int = Field(
        MAX_FRAMES, gt=0, description="Frames sampled from one video, whatever a request asks for."
    )
    decode_threads: int = Field(1, ge=1, description="Threads that decode one video.")
