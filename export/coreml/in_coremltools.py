"""The process that runs coremltools: python -P -m edgesr.export.coreml.in_coremltools TASK.json FOLDER.

Writes the package into the folder, and the report next to the task.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgesr.export.conversions.graph_names import INPUT_NAME, OUTPUT_NAMES
from edgesr.export.coreml.structure import Structure, Tensor
from edgesr.export.coreml.task import PACKAGE, REPORT, Report, Task
from edgesr.runtimes.json_file import read_record
from edgesr.runtimes.json_records import to_json

if TYPE_CHECKING:
    from torch.export import ExportedProgram

_NOT_NEEDED = ("tensorflow", "sklearn", "xgboost", "libsvm", "torchao")
"""What coremltools imports where it is there, to convert from it or to it: seconds and warnings."""
_DATE = "com.github.apple.coremltools.conversion_date"
_DATA = Path("Data") / "com.apple.CoreML"
_MODEL, _WEIGHTS = _DATA / "model.mlmodel", _DATA / "weights"
_NOT_OF_COREML = "executorch_debug_handle_mapping.json"
_CONVOLUTIONS = ("conv", "conv_transpose")
_FLOAT32, _FLOAT16 = "float32", "float16"
_SPEC_DTYPES = {"FLOAT32": _FLOAT32, "FLOAT16": _FLOAT16}


def main(task_file: Path, folder: Path) -> None:
    without_what_is_not_needed()
    task = read_record(Task, task_file, remake="export again")
    package = folder / PACKAGE
    model, expected = _converted(task) if task.graph is not None else _in_float16(Path(task.source))
    _save(model, package)
    report = Report(found=_structure(package), expected=expected)
    (task_file.parent / REPORT).write_text(to_json(report))


def without_what_is_not_needed() -> None:
    """Make coremltools take packages for absent that it would import without a need."""
    for name in _NOT_NEEDED:
        sys.modules[name] = None  # type: ignore[assignment]


def _converted(task: Task) -> tuple[Any, Structure]:
    """A float32 model of one graph of a checkpoint, and the structure of the program that it was made of."""
    import coremltools as ct
    import torch

    from edgesr.export.conversions.full_and_tile import build_graph
    from edgesr.export.conversions.tracing import example_input
    from edgesr.export.steps.loading import load_generator
    from edgesr.runtimes.bundle.contract import channels_of
    from edgesr.sr_model.generators.generator import Generator, with_exportable_median

    assert task.graph is not None and task.size is not None
    generator = load_generator(Path(task.source), zero_padded=task.zero_padded)
    channels = channels_of(generator.config.colour)
    example = example_input(task.size, channels=channels)
    if isinstance(generator, Generator):
        generator = with_exportable_median(generator)
    program = torch.export.export(build_graph(generator, task.graph), (example,)).run_decompositions({})
    model = ct.convert(
        program,
        convert_to="mlprogram",
        inputs=[ct.TensorType(name=INPUT_NAME, shape=tuple(example.shape))],
        outputs=[ct.TensorType(name=OUTPUT_NAMES[task.graph])],
        minimum_deployment_target=ct.target.iOS16,
        compute_precision=ct.precision.FLOAT32,
        skip_model_load=True,
    )
    height, width = (side * generator.config.scale for side in task.size)
    expected = Structure(
        inputs=(Tensor(name=INPUT_NAME, shape=tuple(example.shape), dtype=_FLOAT32),),
        outputs=(Tensor(name=OUTPUT_NAMES[task.graph], shape=(1, channels, height, width), dtype=_FLOAT32),),
        convolutions=_convolutions_of(program),
        weight_dtypes=(_FLOAT32,),
    )
    return model, expected


def _convolutions_of(program: ExportedProgram) -> int:
    return sum(node.op == "call_function" and "conv" in str(node.target) for node in program.graph.nodes)


def _in_float16(package: Path) -> tuple[Any, Structure]:
    """A model of float16 weights and arithmetic with the input, the output and the convolutions of a package."""
    import coremltools as ct

    model = ct.convert(
        _program(package),
        convert_to="mlprogram",
        minimum_deployment_target=ct.target.iOS16,
        compute_precision=ct.precision.FLOAT16,
        skip_model_load=True,
    )
    return model, replace(_structure(package), weight_dtypes=(_FLOAT16,))


def _save(model: Any, package: Path) -> None:
    """Write a package without the date and what is no file of Core ML, in the same bytes each time."""
    from coremltools.models.utils import load_spec

    model.user_defined_metadata.pop(_DATE, None)
    model.save(str(package))
    (package / _NOT_OF_COREML).unlink(missing_ok=True)
    (package / _MODEL).write_bytes(load_spec(str(package)).SerializeToString(deterministic=True))


def _structure(package: Path) -> Structure:
    from coremltools.models.utils import load_spec

    description = load_spec(str(package)).description
    weights = [operation.weight.val.dtype for operation in convolutions_in(package)]
    return Structure(
        inputs=tuple(map(_tensor, description.input)),
        outputs=tuple(map(_tensor, description.output)),
        convolutions=len(weights),
        weight_dtypes=tuple(sorted({str(dtype) for dtype in weights})),
    )


def convolutions_in(package: Path) -> Iterator[Any]:
    """The convolutions of a package in order; ``weight.val`` is an array."""
    operations = _program(package).functions["main"].operations
    return (operation for operation in operations if operation.op_type in _CONVOLUTIONS)


def _program(package: Path) -> Any:
    """The program of a package, with its weights."""
    from coremltools.converters.mil.frontend.milproto.load import load
    from coremltools.models.utils import load_spec

    spec = load_spec(str(package))
    return load(spec, specification_version=spec.specificationVersion, file_weights_dir=str(package / _WEIGHTS))


def _tensor(described: Any) -> Tensor:
    array = described.type.multiArrayType
    name = type(array).ArrayDataType.Name(array.dataType)
    return Tensor(name=described.name, shape=tuple(array.shape), dtype=_SPEC_DTYPES.get(name, name))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
