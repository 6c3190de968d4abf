"""The README of raw goldens: what someone needs who has never seen edgesr."""

from __future__ import annotations

from collections.abc import Iterator

from edgesr.benchmarks.outside.index import RawArtifact, RawCall, RawIndex, RawTensor
from edgesr.benchmarks.outside.runners import Runner, runners_for
from edgesr.runtimes.bundle.contract import REFERENCES
from edgesr.runtimes.bundle.manifest import Manifest, Tolerance

README_FILE = "README.md"

_START = """# Goldens as raw tensors

Inputs for the models of this bundle, and the outputs that {reference} computed for them. A model is run on each input;
`edgesr parity BUNDLE --outputs OUT` then tells whether its outputs are near enough.

- **Files.** No header, no padding: float32 values, little-endian, in the order of the shape, the last dimension
  fastest. `NCHW` is batch, channel, row, column; `NHWC` is batch, row, column, channel. A file's folder is its layout.
- **Values.** An input image holds {channels} in [0, 255], not in [0, 1]. It is not normalised. Int8 models take and
  give float32 as well: they quantize and dequantize inside.
- **Graphs.** A *full* graph gives the upscaled image, {scale} times the height and width, in [0, 255]. A *tile* graph
  gives a residual without bounds: edgesr {glue}.
- **Calls.** Each line of the tables below is one call with a batch of one. What a runner writes belongs to `OUT/` and
  the path in the column "write to"; it has to have the shape, layout and size of the expected file. Outputs that are
  not written are told as "not run"; a file of another name or size is refused.
- **Tolerance.** The upscaled image has to keep all four limits, and be no farther from the expected one than bilinear
  upsampling is. {tile}Errors are on the scale of 0 to 255.

`index.json` has all of this for programs, with the SHA-256 of each file.
"""
_GLUE = {
    "bilinear": "subtracts it from the bilinearly upsampled input and clips the result to [0, 255]",
    "none": "takes it as the image itself and clips it to [0, 255]",
}
_SCALED = "scales it by a factor from the noise level of the whole image, "
_TILE = """Of a tile graph, edgesr makes the upscaled image from the residual that it finds; in fp32 the
  residual itself has to keep the limits, too. """
_LIMITS = "| precision | formats | PSNR at least | largest error | shift of a channel's mean | error at the border |"


def readme(manifest: Manifest, index: RawIndex) -> str:
    """The text for a bundle's raw goldens."""
    scaled = _SCALED if manifest.glue.noise_level is not None else ""
    start = _START.format(
        reference=REFERENCES[manifest.reference],
        channels="R, G and B" if manifest.colour == "rgb" else f"one channel ({manifest.colour})",
        scale=manifest.scale,
        glue=scaled + _GLUE[manifest.glue.upsample],
        tile=_TILE if any(artifact.graph == "tile" for artifact in index.artifacts) else "",
    )
    return "\n".join([start, *_tolerances(index), "", *_models(index), *_examples(index)]) + "\n"


def _tolerances(index: RawIndex) -> Iterator[str]:
    """A row for each tolerance: a runtime's kernels may have one of their own."""
    yield _LIMITS
    yield "|---|---|---|---|---|---|"
    found: dict[tuple[str, Tolerance], dict[str, None]] = {}
    for artifact in index.artifacts:
        for call in artifact.calls:
            found.setdefault((artifact.precision, call.tolerance), {})[artifact.format] = None
    for (precision, one), formats in found.items():
        limits = f"{one.min_psnr_db:g} dB | {one.max_abs_error:g} | {one.max_mean_shift:g} | {one.max_border_error:g}"
        yield f"| {precision} | {', '.join(formats)} | {limits} |"


def _models(index: RawIndex) -> Iterator[str]:
    for artifact in index.artifacts:
        yield f"## {artifact.id}"
        yield ""
        files = ", ".join(f"`{file}`" for file in artifact.files)
        yield f"{artifact.format}, {artifact.graph} graph, {artifact.precision}; in the bundle: {files}."
        yield ""
        yield "| input | expected output | write to |"
        yield "|---|---|---|"
        for call in artifact.calls:
            inputs = ", ".join(map(_tensor, call.inputs))
            yield f"| {inputs} | {_tensor(call.expected)} | `{call.answer}` |"
        yield ""


def _tensor(tensor: RawTensor) -> str:
    shape = "x".join(map(str, tensor.shape))
    return f"`{tensor.name}`: `{tensor.file}`, {tensor.dtype} {shape}, {tensor.size_bytes:,} bytes"


def _examples(index: RawIndex) -> Iterator[str]:
    """One for each runner that opens a format that is here, with its first model."""
    yield "## Example command lines"
    yield ""
    yield (
        "They are run in this folder, with `BUNDLE` set to the folder of the models and `OUT` to that of the outputs. "
        "The options are those of the programs' own sources; edgesr did not run these programs."
    )
    shown: set[str] = set()
    for artifact in index.artifacts:
        for runner in runners_for(artifact.format) if artifact.calls else ():
            if runner.title not in shown:
                shown.add(runner.title)
                yield from _example(runner, artifact, artifact.calls[0])


def _example(runner: Runner, artifact: RawArtifact, first: RawCall) -> Iterator[str]:
    alike = [call.golden for call in artifact.calls if call.inputs[0].shape == first.inputs[0].shape]
    answer = f"$OUT/{artifact.id}/$g{first.answer.rsplit('/', 1)[1].removeprefix(first.golden)}"
    yield from ("", f"### {runner.title}", "")
    if runner.remark:
        yield from (runner.remark, "")
    yield "```sh"
    yield f"mkdir -p $OUT/{artifact.id}"
    yield f"for g in {' '.join(alike)}; do"
    yield from runner.lines(artifact, first, answer)
    yield "done"
    yield "```"
