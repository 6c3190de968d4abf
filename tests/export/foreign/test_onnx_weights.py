"""Weights that lie in files next to an ONNX file: which are read, and that they count."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from edgesr.export.foreign.onnx_weights import sha256_with_weights, weights_next_to
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.files import sha256_of
from edgesr.sr_model.generators.onnx_source.reading import read_model
from tests.export.foreign.test_onnx_source import PLAIN, wrapped
from tests.helpers.foreign import attention
from tests.helpers.foreign.onnx_files import export_dynamic


def test_weights_next_to_the_file_count(tmp_path: Path) -> None:
    file = export_dynamic(attention.norm_and_linear(), tmp_path / "net.onnx")
    alone = sha256_with_weights(file)
    assert weights_next_to(file) == {"net.onnx.data": sha256_of(tmp_path / "net.onnx.data")}
    wrapped(file)
    data = bytearray((tmp_path / "net.onnx.data").read_bytes())
    data[-4:] = np.float32(3).tobytes()
    (tmp_path / "net.onnx.data").write_bytes(data)
    assert sha256_with_weights(file) != alone
    plain = PLAIN.write(tmp_path / "plain.onnx")
    assert weights_next_to(plain) == {}
    assert sha256_with_weights(plain) == sha256_of(plain)


def beside(tmp_path: Path, location: str) -> Path:
    """A model in a folder, whose weights are said to lie elsewhere."""
    folder = tmp_path / "models"
    folder.mkdir()
    onnx.save(PLAIN.model(), folder / "net.onnx", save_as_external_data=True, location="net.data", size_threshold=0)
    model = onnx.load(folder / "net.onnx", load_external_data=False)
    for tensor in model.graph.initializer:
        for entry in tensor.external_data:
            if entry.key == "location":
                entry.value = location
    (folder / "net.onnx").write_bytes(model.SerializeToString())
    return folder / "net.onnx"


@pytest.mark.parametrize(
    ("location", "change", "part"),
    [
        ("net.data", Path.unlink, "net.data, which is not next to it: copy that file"),
        ("net.data", lambda data: data.write_bytes(data.read_bytes()[:30]), "net.data are damaged"),
        ("../other.data", lambda data: data.rename(data.parents[1] / "other.data"), "which is not in its folder"),
        ("/dev/zero", lambda _: None, "which is not in its folder"),
        ("link.data", lambda data: (data.parent / "link.data").symlink_to("/etc/passwd"), "which is not in its folder"),
    ],
)
def test_weights_elsewhere(location: str, change: Callable[[Path], Any], part: str, tmp_path: Path) -> None:
    file = beside(tmp_path, location)
    change(file.parent / "net.data")
    with pytest.raises(InputError, match=re.escape(part)) as error:
        wrapped(file)
    assert "\n" not in str(error.value)


def test_weights_that_were_not_hashed_are_not_read(tmp_path: Path) -> None:
    file = beside(tmp_path, "net.data")
    assert set(weights_next_to(file)) == {"net.data"}
    with pytest.raises(InputError, match=r"names its weights net\.data in an unusual way"):
        read_model(file, ())
