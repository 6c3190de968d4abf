"""Descriptions of how runners other than edgesr take raw goldens, by the format of a model. Another one is an object
here.

Their options are those of their own sources; none of these programs was run when this was written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgesr.benchmarks.outside.calls import FLOAT32
from edgesr.benchmarks.outside.index import RawArtifact, RawCall


@dataclass(frozen=True, kw_only=True)
class Runner:
    """A program of others: ``formats`` that it opens, and the shell ``lines`` that make one call; ``remark`` in prose.

    The lines stand in a folder of raw goldens. $BUNDLE is the folder of the models, $OUT that of the answers, $g the
    golden; an answer goes to ``answer``.
    """

    title: str
    formats: tuple[str, ...]
    lines: Callable[[RawArtifact, RawCall, str], tuple[str, ...]]
    remark: str = ""


def _of_golden(path: str, call: RawCall) -> str:
    """A path of one golden as that of any, in the shell."""
    folder, name = path.rsplit("/", 1)
    return f"{folder}/$g{name.removeprefix(call.golden)}"


def _input(call: RawCall) -> str:
    return _of_golden(call.inputs[0].file, call)


def _shape(call: RawCall, separator: str) -> str:
    return separator.join(map(str, call.inputs[0].shape))


def _benchmark_model(artifact: RawArtifact, call: RawCall, answer: str) -> tuple[str, ...]:
    source = call.inputs[0]
    return (
        f"benchmark_model --graph=$BUNDLE/{artifact.files[0]} --num_runs=1 --input_layer={source.name} \\",
        f"  --input_layer_shape={_shape(call, ',')} --input_layer_value_files={source.name}:{_input(call)} \\",
        f"  --output_filepath={answer}",
    )


def _executor_runner(artifact: RawArtifact, call: RawCall, answer: str) -> tuple[str, ...]:
    model = f"executor_runner --model_path=$BUNDLE/{artifact.files[0]} --output_file={answer}"
    if artifact.bounds is None or artifact.bounds.fixed:
        return (f"{model} --inputs={_input(call)}", f"mv {answer}-0.bin {answer}")
    height, width = artifact.bounds.most
    largest = call.inputs[0].shape[1] * height * width * FLOAT32.itemsize
    return (
        f"cp {_input(call)} input.bin; truncate --size={largest} input.bin",
        f"{model} \\",
        f"  --inputs=input.bin --input_shapes={_shape(call, 'x')}",
        f"mv {answer}-0.bin {answer}",
    )


def _trtexec(artifact: RawArtifact, call: RawCall, answer: str) -> tuple[str, ...]:
    source = call.inputs[0]
    return (
        f"trtexec --onnx=$BUNDLE/{artifact.files[0]} --shapes={source.name}:{_shape(call, 'x')} \\",
        f"  --loadInputs={source.name}:{_input(call)} --dumpRawBindingsToFile",
        f"mv {call.expected.name}.output.*.raw {answer}",
    )


def _onnxruntime(artifact: RawArtifact, call: RawCall, answer: str) -> tuple[str, ...]:
    return (
        "python - <<END",
        "import numpy as np, onnxruntime as ort",
        f"x = np.fromfile('{_input(call)}', '<f4').reshape({call.inputs[0].shape})",
        f"y = ort.InferenceSession('$BUNDLE/{artifact.files[0]}').run(None, {{'{call.inputs[0].name}': x}})[0]",
        f"y.astype('<f4').tofile('{answer}')",
        "END",
    )


def _ncnn(artifact: RawArtifact, call: RawCall, answer: str) -> tuple[str, ...]:
    _, channels, height, width = call.inputs[0].shape
    parameters, weights = artifact.files[:2]
    return (
        "python - <<END",
        "import ncnn, numpy as np",
        "net = ncnn.Net()",
        "net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False",
        f"net.load_param('$BUNDLE/{parameters}'); net.load_model('$BUNDLE/{weights}')",
        "run = net.create_extractor()",
        f"x = np.fromfile('{_input(call)}', '<f4').reshape({channels}, {height}, {width})",
        "run.input('in0', ncnn.Mat(x).clone())",
        f"np.array(run.extract('out0')[1]).astype('<f4').tofile('{answer}')",
        "END",
    )


def _mnn(artifact: RawArtifact, call: RawCall, answer: str) -> tuple[str, ...]:
    return (
        f"python -c \"import numpy as np; np.savetxt('input_0.txt', np.fromfile('{_input(call)}', '<f4'), '%.9g')\"",
        f"./MNNV2Basic.out $BUNDLE/{artifact.files[0]} 1 0 0 4 1 {_shape(call, 'x')}",
        f"python -c \"import numpy as np; np.fromfile('output.txt', '<f4', sep=' ').tofile('{answer}')\"",
    )


RUNNERS: tuple[Runner, ...] = (
    Runner(
        title="LiteRT `benchmark_model`",
        formats=("tflite",),
        lines=_benchmark_model,
        remark="It measures, too; `--output_filepath` writes the last output. Delegates are chosen by its other "
        "options, such as `--use_gpu=true`. Versions without `--output_filepath` write no output.",
    ),
    Runner(
        title="ExecuTorch `executor_runner`",
        formats=("executorch",),
        lines=_executor_runner,
        remark="It writes `NAME-0.bin`. For a file of several sizes it reads an input of the largest one and ignores "
        "the surplus; versions without `--input_shapes` run it at its largest size alone.",
    ),
    Runner(title="ONNX Runtime in Python", formats=("onnx",), lines=_onnxruntime),
    Runner(
        title="TensorRT `trtexec`",
        formats=("onnx",),
        lines=_trtexec,
        remark="It builds an engine from the ONNX file, and writes a raw file for each tensor into the current folder.",
    ),
    Runner(
        title="ncnn in Python",
        formats=("ncnn",),
        lines=_ncnn,
        remark="`benchncnn` cannot be used here: it measures with zeros in place of the weights and reads no input. "
        "Tensors of its files are called in0 and out0. In C++ the calls are the same; an `ncnn::Mat` may have gaps "
        "between its channels.",
    ),
    Runner(
        title="MNN `MNNV2Basic.out`",
        formats=("mnn",),
        lines=_mnn,
        remark="It reads `input_0.txt` next to itself and writes `output.txt`, as text with six digits. The last but "
        "one argument, 1, is its high precision: without it, it computes in a lower one where the CPU can.",
    ),
)


def runners_for(format_name: str) -> tuple[Runner, ...]:
    """The runners that open models of a format."""
    return tuple(runner for runner in RUNNERS if format_name in runner.formats)
