"""Everything an engine can be told, with its defaults; also its command line."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EngineSettings(BaseSettings):
    """Starts an engine: serves one Molmo2 checkpoint on one device over a Unix socket."""

    model_config = SettingsConfigDict(
        env_prefix="MOLMO2_ENGINE_",
        cli_prog_name="molmo2-engine",
        cli_kebab_case=True,
        use_attribute_docstrings=True,
    )

    checkpoint: str
    """A checkpoint's folder, or its name on the Hugging Face hub."""
    revision: str | None = None
    """The hub revision to load, pin it in production; of a folder, what it must hold."""
    verify_weights: bool = True
    """Refuses files whose SHA-256 is not the one that a pull recorded (molmo2-weights.json) or an
    archive was built with; it is taken while they are read."""
    socket: Path
    """Where to listen; a lock of the same name beside it keeps a second engine away."""
    device: str = "auto"
    """cpu, cuda or cuda:N; auto takes CUDA where there is one."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """auto is bfloat16 on CUDA and float32 elsewhere."""
    threads: int = Field(0, ge=0)
    """CPU threads of torch; 0 leaves torch's own choice."""
    max_sequences: int = Field(16, ge=1)
    """Operations that generate at once."""
    max_context_tokens: int = Field(4096, ge=64)
    """Tokens of video, prompt and answer together."""
    cache_tokens: int | None = Field(None, ge=64)
    """Tokens of the KV cache; by default what gpu_memory_fraction leaves, on a CPU 65,536."""
    gpu_memory_fraction: float = Field(0.9, gt=0, lt=1)
    """Part of a GPU's memory that this engine may take, its weights included."""
    share_gpu: bool = False
    """Lets other engines that say so too use the same GPU: their gpu_memory_fraction must come to
    at most 1 together. Otherwise a GPU has one engine, and the next is refused."""
    gpu_locks: Path = Path("/tmp")
    """Folder of the files that keep engines off each other's GPU: one for the whole machine."""
    gpus_per_engine: int = Field(1, ge=1)
    """GPUs that one model is laid over, layer by layer, where it does not fit on one. They take
    turns, without fused kernels and graphs: much slower than GPUs that have an engine each."""
    quantization: Literal["none", "int8"] = "none"
    """int8 rounds the weights of the text layers to a byte each. It halves their memory and costs
    speed, as fused kernels and graphs are off."""
    decode_graphs: bool = True
    """Captures decode steps as CUDA graphs at start; without them a step takes several times as
    long. Nothing changes on a CPU."""
    page_tokens: int = Field(32, ge=1)
    """Tokens of a KV page."""
    max_step_tokens: int = Field(4096, ge=1)
    """Tokens of questions that one step reads; the others' next token waits for it."""
    decode_share: float = Field(0.25, ge=0)
    """Seconds of decoding that running answers get for each second spent on new media."""
    max_waiting_requests: int = Field(64, ge=1)
    """Requests that may wait; beyond it they are refused as overloaded."""
    frames_per_encoding: int = Field(16, ge=1)
    """Frames that go through the vision encoder at once; bounds its memory, changes no result."""
    tokens_per_progress: int = Field(16, ge=1)
    """Generated tokens between two progress events of a sequence."""
    max_grammars: int = Field(64, ge=1)
    """Compiled grammars kept: those of the operations, and the latest of callers' JSON schemas."""
    max_grammar_seconds: float = Field(10.0, gt=0)
    """Seconds that compiling a caller's JSON schema may take."""
    stall_seconds: float = Field(300.0, gt=0)
    """One step longer than this turns the engine's health to NOT_SERVING and ends its heartbeat."""
    heartbeat_timeout: float = Field(10.0, gt=3)
    """Seconds without a heartbeat after which a serving engine is killed and started anew."""
    embedding_tokens: Literal["visual", "all"] = "visual"
    """What an embedding of a whole video pools: its visual tokens; or every token, those of the
    zoo model's prompt behind it too, as FiftyOne's zoo model does."""
    exit_with: int | None = None
    """Process id; the engine ends when that process has ended."""
