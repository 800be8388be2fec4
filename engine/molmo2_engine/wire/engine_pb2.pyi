from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Pooling(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEAN: _ClassVar[Pooling]
    MAX: _ClassVar[Pooling]
    CLS: _ClassVar[Pooling]
MEAN: Pooling
MAX: Pooling
CLS: Pooling

class DescribeRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Description(_message.Message):
    __slots__ = ("checkpoint", "revision", "frame_size", "max_video_tokens", "max_context_tokens", "max_concurrent_sequences", "embedding_dimension")
    CHECKPOINT_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    FRAME_SIZE_FIELD_NUMBER: _ClassVar[int]
    MAX_VIDEO_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_CONTEXT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENT_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_DIMENSION_FIELD_NUMBER: _ClassVar[int]
    checkpoint: str
    revision: str
    frame_size: int
    max_video_tokens: int
    max_context_tokens: int
    max_concurrent_sequences: int
    embedding_dimension: int
    def __init__(self, checkpoint: _Optional[str] = ..., revision: _Optional[str] = ..., frame_size: _Optional[int] = ..., max_video_tokens: _Optional[int] = ..., max_context_tokens: _Optional[int] = ..., max_concurrent_sequences: _Optional[int] = ..., embedding_dimension: _Optional[int] = ...) -> None: ...

class HoldsRequest(_message.Message):
    __slots__ = ("key",)
    KEY_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    def __init__(self, key: _Optional[bytes] = ...) -> None: ...

class HoldsReply(_message.Message):
    __slots__ = ("held", "waiting")
    HELD_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    held: bool
    waiting: int
    def __init__(self, held: bool = ..., waiting: _Optional[int] = ...) -> None: ...

class MetricsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MetricsReply(_message.Message):
    __slots__ = ("exposition",)
    EXPOSITION_FIELD_NUMBER: _ClassVar[int]
    exposition: str
    def __init__(self, exposition: _Optional[str] = ...) -> None: ...

class AnswerRequest(_message.Message):
    __slots__ = ("request_id", "video", "images", "operations", "progress")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    VIDEO_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    OPERATIONS_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    video: Video
    images: Images
    operations: _containers.RepeatedCompositeFieldContainer[Operation]
    progress: bool
    def __init__(self, request_id: _Optional[str] = ..., video: _Optional[_Union[Video, _Mapping]] = ..., images: _Optional[_Union[Images, _Mapping]] = ..., operations: _Optional[_Iterable[_Union[Operation, _Mapping]]] = ..., progress: bool = ...) -> None: ...

class Video(_message.Message):
    __slots__ = ("key", "times", "frames", "frame_numbers")
    KEY_FIELD_NUMBER: _ClassVar[int]
    TIMES_FIELD_NUMBER: _ClassVar[int]
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    FRAME_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    times: _containers.RepeatedScalarFieldContainer[float]
    frames: bytes
    frame_numbers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, key: _Optional[bytes] = ..., times: _Optional[_Iterable[float]] = ..., frames: _Optional[bytes] = ..., frame_numbers: _Optional[_Iterable[int]] = ...) -> None: ...

class Images(_message.Message):
    __slots__ = ("key", "images")
    KEY_FIELD_NUMBER: _ClassVar[int]
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    images: _containers.RepeatedCompositeFieldContainer[Image]
    def __init__(self, key: _Optional[bytes] = ..., images: _Optional[_Iterable[_Union[Image, _Mapping]]] = ...) -> None: ...

class Image(_message.Message):
    __slots__ = ("height", "width", "pixels")
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    PIXELS_FIELD_NUMBER: _ClassVar[int]
    height: int
    width: int
    pixels: bytes
    def __init__(self, height: _Optional[int] = ..., width: _Optional[int] = ..., pixels: _Optional[bytes] = ...) -> None: ...

class Operation(_message.Message):
    __slots__ = ("generation", "embedding")
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    generation: Generation
    embedding: Embedding
    def __init__(self, generation: _Optional[_Union[Generation, _Mapping]] = ..., embedding: _Optional[_Union[Embedding, _Mapping]] = ...) -> None: ...

class Generation(_message.Message):
    __slots__ = ("prompt", "max_new_tokens", "temperature", "top_p", "seed", "json_schema", "lark")
    PROMPT_FIELD_NUMBER: _ClassVar[int]
    MAX_NEW_TOKENS_FIELD_NUMBER: _ClassVar[int]
    TEMPERATURE_FIELD_NUMBER: _ClassVar[int]
    TOP_P_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    JSON_SCHEMA_FIELD_NUMBER: _ClassVar[int]
    LARK_FIELD_NUMBER: _ClassVar[int]
    prompt: str
    max_new_tokens: int
    temperature: float
    top_p: float
    seed: int
    json_schema: str
    lark: str
    def __init__(self, prompt: _Optional[str] = ..., max_new_tokens: _Optional[int] = ..., temperature: _Optional[float] = ..., top_p: _Optional[float] = ..., seed: _Optional[int] = ..., json_schema: _Optional[str] = ..., lark: _Optional[str] = ...) -> None: ...

class Embedding(_message.Message):
    __slots__ = ("pooling", "per_frame")
    POOLING_FIELD_NUMBER: _ClassVar[int]
    PER_FRAME_FIELD_NUMBER: _ClassVar[int]
    pooling: Pooling
    per_frame: bool
    def __init__(self, pooling: _Optional[_Union[Pooling, str]] = ..., per_frame: bool = ...) -> None: ...

class AnswerEvent(_message.Message):
    __slots__ = ("index", "opened", "progress", "finished", "embedded", "failed")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    OPENED_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_FIELD_NUMBER: _ClassVar[int]
    EMBEDDED_FIELD_NUMBER: _ClassVar[int]
    FAILED_FIELD_NUMBER: _ClassVar[int]
    index: int
    opened: Opened
    progress: Progress
    finished: Finished
    embedded: Embedded
    failed: Failed
    def __init__(self, index: _Optional[int] = ..., opened: _Optional[_Union[Opened, _Mapping]] = ..., progress: _Optional[_Union[Progress, _Mapping]] = ..., finished: _Optional[_Union[Finished, _Mapping]] = ..., embedded: _Optional[_Union[Embedded, _Mapping]] = ..., failed: _Optional[_Union[Failed, _Mapping]] = ...) -> None: ...

class Opened(_message.Message):
    __slots__ = ("frame_numbers",)
    FRAME_NUMBERS_FIELD_NUMBER: _ClassVar[int]
    frame_numbers: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, frame_numbers: _Optional[_Iterable[int]] = ...) -> None: ...

class Progress(_message.Message):
    __slots__ = ("text", "generated_tokens")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    GENERATED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    text: str
    generated_tokens: int
    def __init__(self, text: _Optional[str] = ..., generated_tokens: _Optional[int] = ...) -> None: ...

class Finished(_message.Message):
    __slots__ = ("text", "truncated", "usage", "timing")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    TRUNCATED_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    text: str
    truncated: bool
    usage: Usage
    timing: Timing
    def __init__(self, text: _Optional[str] = ..., truncated: bool = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ...) -> None: ...

class Embedded(_message.Message):
    __slots__ = ("vector", "usage", "timing", "frame_vectors")
    VECTOR_FIELD_NUMBER: _ClassVar[int]
    USAGE_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    FRAME_VECTORS_FIELD_NUMBER: _ClassVar[int]
    vector: _containers.RepeatedScalarFieldContainer[float]
    usage: Usage
    timing: Timing
    frame_vectors: _containers.RepeatedScalarFieldContainer[float]
    def __init__(self, vector: _Optional[_Iterable[float]] = ..., usage: _Optional[_Union[Usage, _Mapping]] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ..., frame_vectors: _Optional[_Iterable[float]] = ...) -> None: ...

class Failed(_message.Message):
    __slots__ = ("kind", "message", "field")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    kind: str
    message: str
    field: str
    def __init__(self, kind: _Optional[str] = ..., message: _Optional[str] = ..., field: _Optional[str] = ...) -> None: ...

class Usage(_message.Message):
    __slots__ = ("prompt_tokens", "cached_tokens", "generated_tokens")
    PROMPT_TOKENS_FIELD_NUMBER: _ClassVar[int]
    CACHED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    GENERATED_TOKENS_FIELD_NUMBER: _ClassVar[int]
    prompt_tokens: int
    cached_tokens: int
    generated_tokens: int
    def __init__(self, prompt_tokens: _Optional[int] = ..., cached_tokens: _Optional[int] = ..., generated_tokens: _Optional[int] = ...) -> None: ...

class Timing(_message.Message):
    __slots__ = ("queued", "prefill", "decode")
    QUEUED_FIELD_NUMBER: _ClassVar[int]
    PREFILL_FIELD_NUMBER: _ClassVar[int]
    DECODE_FIELD_NUMBER: _ClassVar[int]
    queued: float
    prefill: float
    decode: float
    def __init__(self, queued: _Optional[float] = ..., prefill: _Optional[float] = ..., decode: _Optional[float] = ...) -> None: ...
