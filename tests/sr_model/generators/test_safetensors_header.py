"""Headers of safetensors files that are damaged, or claim what their files do not hold: one line, and no more work."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from edgesr.runtimes.errors import InputError
from edgesr.sr_model.generators.checkpoint import METADATA_KEY, read_header
from edgesr.sr_model.generators.config import GeneratorConfig
from edgesr.sr_model.generators.generator import Generator
from tests.helpers.checkpoint_refusals import refusal_of
from tests.helpers.small_generator import projected_generator, save_projected_generator

Header = dict[str, Any]


def rewritten(path: Path, change: Callable[[Header], object]) -> None:
    """Changes the header of a safetensors file; its tensors stay."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + content[8 + length :])


def entry(**fields: object) -> Callable[[Header], object]:
    """Changes the entry of the second tensor."""
    return lambda header: header[TENSOR].update(fields)


def config(**fields: object) -> Callable[[Header], object]:
    def change(header: Header) -> None:
        described = json.loads(header["__metadata__"][METADATA_KEY])
        described["config"] |= fields
        header["__metadata__"][METADATA_KEY] = json.dumps(described)

    return change


TENSOR = "body.blocks.0.act2.weight"
HEADERS: dict[str, tuple[Callable[[Header], object], str]] = {
    "outside": (
        entry(data_offsets=[10**9, 10**9 + 32]),
        f"places {TENSOR} up to byte 1000000032, there are 14320: the file is cut",
    ),
    "overlapping": (entry(data_offsets=[0, 32]), "the tensors before it end at 32"),
    "negative-offset": (entry(data_offsets=[-32, 0]), f"holds {TENSOR} whose shape or offsets are no lists"),
    "three-offsets": (entry(data_offsets=[0, 16, 32]), f"holds {TENSOR} whose shape or offsets are no lists"),
    "boolean-offset": (entry(data_offsets=[False, 32]), f"holds {TENSOR} whose shape or offsets are no lists"),
    "negative-shape": (entry(shape=[-8]), f"holds {TENSOR} whose shape or offsets are no lists"),
    "float-shape": (entry(shape=[8.0]), f"holds {TENSOR} whose shape or offsets are no lists"),
    "huge-shape": (entry(shape=[2**40, 2**40]), "bytes, its shape needs 4835703278458516698824704"),
    "other-shape": (entry(shape=[9]), f"gives {TENSOR} 32 bytes, its shape needs 36"),
    "half": (entry(dtype="F16", shape=[16]), f"the tensor {TENSOR} is of F16, need F32"),
    "integer": (entry(dtype="I32"), f"the tensor {TENSOR} is of I32, need F32"),
    "unknown-dtype": (entry(dtype="F12"), f"holds {TENSOR} of the unknown dtype F12"),
    "number": (lambda header: header.update({TENSOR: 3}), f"holds {TENSOR}, which is no object of dtype"),
    "surplus-field": (entry(more=1), f"holds {TENSOR}, which is no object of dtype"),
    "metadata": (lambda header: header.update(__metadata__={"a": 1}), "holds a __metadata__ that is no mapping"),
    "lacking": (lambda header: header.pop("projection.alpha"), "there are"),
    "config-twice": (
        lambda header: header["__metadata__"].update({METADATA_KEY: '{"config": 1, "config": 2, "training": {}}'}),
        "its description of the generator is damaged: holds config twice in one object",
    ),
    "notes": (
        lambda header: header["__metadata__"].update({METADATA_KEY: '{"config": {}, "training": [], "more": 1}'}),
        "its description of the generator is damaged: top level: unknown more",
    ),
    "name": (config(name="a\nb"), r"name is 'a\nb': need 1 to 100 printable characters"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_a_damaged_header_is_refused(name: str, tmp_path: Path) -> None:
    change, naming = HEADERS[name]
    path = save_projected_generator(tmp_path)
    rewritten(path, change)
    assert naming in refusal_of(path)
    with pytest.raises(InputError):
        read_header(path)


def sized(length: int, content: bytes) -> bytes:
    return struct.pack("<Q", length) + content


CONTENTS = {
    "empty-header": (sized(0, b""), "has 0 bytes by its own account, the file has 8"),
    "huge-length": (sized(2**60, b"{}"), f"has {2**60} bytes by its own account, the file has 10"),
    "length-beyond-the-file": (sized(3, b"{}"), "has 3 bytes by its own account, the file has 10"),
    "one-byte": (b"\1", "has 1 bytes by its own account, the file has 1"),
    "key-twice": (sized(16, b'{"a": 1, "a": 2}'), "holds a twice in one object"),
    "bytes-of-no-tensor": (sized(2, b"{}more"), "places all tensors in 0 bytes, there are 4"),
    "too-long": (sized(2 << 20, b" " * (2 << 20)), "has 2097152 bytes, more than 1048576"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_header_that_does_not_fit_its_file_is_refused(name: str, tmp_path: Path) -> None:
    content, naming = CONTENTS[name]
    (tmp_path / "x.safetensors").write_bytes(content)
    assert f"damaged safetensors file: its header {naming}" in refusal_of(tmp_path / "x.safetensors")


@pytest.mark.parametrize("fields", [{"width": 1024}, {"width": 1024, "blocks": 64}, {"body": "lr"}])
def test_no_network_is_built_for_a_config_that_its_tensors_do_not_fit(
    fields: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """64 blocks of width 1024 are 5 GB: only their shapes are made."""
    path = save_projected_generator(tmp_path)
    built: list[str] = []
    initialise = Generator.__init__

    def watched(self: Generator, config: GeneratorConfig) -> None:
        initialise(self, config)
        built.extend({str(parameter.device) for parameter in self.parameters()})

    monkeypatch.setattr(Generator, "__init__", watched)
    rewritten(path, config(**fields))
    assert "its tensors do not fit its config 'small', missing, surplus or of wrong shape: body." in refusal_of(path)
    assert built == ["meta"]


def test_a_list_of_wrong_tensors_is_short(tmp_path: Path) -> None:
    path = save_projected_generator(tmp_path)
    rewritten(path, config(width=9))
    count = len(projected_generator().state_dict())
    unchanged = 2  # the bias of the tail and alpha
    assert f" and {count - unchanged - 3} more; write it again" in refusal_of(path)
