"""Compiles every kernel for an H100, which needs none: prints what each takes, as JSON lines.

A process of its own, because the tests' process has Triton's interpreter instead of its compiler.
"""

import json
from collections.abc import Iterator

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from molmo2_engine.model.kernels import (
    gated,
    leading_attention,
    norm,
    paged_attention,
    rotary,
    skinny_linear,
)

H100 = GPUTarget("cuda", 90, 32)
INTEGERS = {"tables", "lengths", "seen"}
SCALARS = {"scale_log2": "fp32", "epsilon": "fp32"}
FLOATS = {"sums_out", "weights_out", "sums", "weights", "before_sum"}
COUNTS = {"row_count", "new", "queries", "key_count", "tokens", "outputs"}

Launch = tuple[triton.JITFunction, dict, dict]


def launches() -> Iterator[Launch]:
    """Each kernel as the 4B shape launches it: constants and options."""
    paged = paged_attention.DEFAULT
    for group, rows in ((4, 16), (4, 64), (1, 16)):
        constants = {"BLOCKS": 1, "PARTS": 8, "HEADS": 32, "GROUP": group, "SIZE": 128}
        constants |= {"PAGE_TOKENS": 32, "ROWS": rows, "COLUMNS": paged.columns}
        options = {"num_warps": paged.warps, "num_stages": paged.stages}
        yield paged_attention._attend_to_part, constants, options
    merged = {"PARTS": 64, "HEADS": 32, "SIZE": 128}
    yield paged_attention._merge_parts, merged, {"num_warps": 4}
    for before in (True, False):
        constants = {"HAS_BEFORE": before, "GROUP": 4, "SIZE": 128, "ROWS": 64, "COLUMNS": 64}
        yield leading_attention._leading, constants, {"num_warps": 4, "num_stages": 3}
    for kind in ("norm", "add, norm", "norm, add"):
        yield norm._norm, {"KIND": kind, "SIZE": 2560, "BLOCK": 4096}, {"num_warps": 8}
    heads = {"NORM": True, "HEADS": 32, "KV_HEADS": 8, "GROUP": 4, "SIZE": 128}
    yield rotary._rotate, heads, {"num_warps": 1}
    yield gated._gate, {"SIZE": 9728, "BLOCK": 1024}, {"num_warps": 4}
    for tiling in skinny_linear.TILINGS:
        constants = {"INPUTS": 2560, "TOKENS": 16, "ROWS": tiling.outputs, "COLUMNS": tiling.inputs}
        options = {"num_warps": tiling.warps, "num_stages": tiling.stages}
        yield skinny_linear._multiply, constants, options


def compile_for(target: GPUTarget, launch: Launch) -> dict:
    kernel, constants, options = launch
    names = kernel.arg_names
    kinds = {name: "constexpr" if name in constants else kind(name) for name in names}
    places = {name: (names.index(name),) for name in names}
    # What a launch finds out by itself: tensors and strides are multiples of 16.
    aligned = [name for name in names if kinds[name][0] == "*" or name.endswith("stride")]
    source = ASTSource(
        kernel,
        kinds,
        {places[name]: value for name, value in constants.items()},
        {places[name]: [["tt.divisibility", 16]] for name in aligned},
    )
    compiled = triton.compile(source, target=target, options=options)
    return {
        "kernel": kernel.__name__,
        "shared": compiled.metadata.shared,
        "ahead": compiled.asm["ptx"].count("cp.async.cg"),
    }


def kind(name: str) -> str:
    if name in SCALARS:
        return SCALARS[name]
    if name in COUNTS or name.endswith("stride"):
        return "i32"
    if name == "slots":
        return "*i64"
    if name in INTEGERS:
        return "*i32"
    return "*fp32" if name in FLOATS else "*bf16"


if __name__ == "__main__":
    for each in launches():
        print(json.dumps(compile_for(H100, each)), flush=True)
