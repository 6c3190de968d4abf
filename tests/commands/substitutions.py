"""Substitutions that make the commands of pages small enough to be run: regular expressions and what replaces them.

To add a word of a page that stands for something, such as COMMAND, add a row to `PLACEHOLDERS`. To make a command
short, add a row to `SHORTENED`: it may change values and add options, and keeps the shape of the command. To add a file
that pages take as given, such as ``photograph.jpg``, add a row to `NAMES` in ``names.py``. Rows are applied in their
order.
"""

from __future__ import annotations

import re

from tests.commands.words import without_notation

PLACEHOLDERS = (
    (r"\bedgesr COMMAND\b", "edgesr export"),
    (r"\badb:(R58M12ABCDE|SERIAL)\b", "adb:127.0.0.1:6555"),
    (r"--device host,mirror\b", "--device host"),
)
"""Words of pages that stand for something else. The commands are parsed with these, and run with these."""

_BENCH = r"\bedgesr bench ((?!.*--(?:mlperf|sustained|image-size))[^&;|]*)"
_LONG_BENCH = r"\bedgesr bench ((?!.*--artifact)(?=.*--(?:mlperf|sustained))[^&;|]*)"
_ON_EMULATED = r"\bedgesr (parity|bench) ((?!.*--artifact)[^&;|]*--device \S*(?:arm64|x86-64):[^&;|]*)"
_ON_BOXES = r"\bedgesr parity ((?!.*--(?:artifact|runtime))[^&;|]*--device \S*(?:ssh|adb):[^&;|]*)"
_TRAIN = r"\bedgesr train ((?!.*--minutes)(?!.*--steps )[^&;|]*)"

SHORTENED = (
    (r" --rounds \d+", " --rounds 2"),
    (r" --calls \d+", " --calls 1"),
    (r"(?<!--sustained)(?<!--minutes) --seconds [\d.]+", " --seconds 0"),
    (_BENCH, r"edgesr bench --rounds 2 --calls 1 --seconds 0 \1"),
    (r" --sustained \d+(?! --artifact)", " --sustained 30"),
    (_LONG_BENCH, r"edgesr bench --artifact onnx-fp32-tile \1"),
    (_ON_EMULATED, r"edgesr \1 --artifact onnx-fp32-tile \2"),
    (r"\bedgesr bench ((?!.*--(?:artifact|runtime))[^&;|]*)", r"edgesr bench --runtime ort \1"),
    (r"(\bedgesr bench [^&;|]*?)((?: --json \S+)? --against (old\.json))", r"\1 --json \3 && \1\2"),
    (r" --cores (big|little)", " --cores 0"),
    (_ON_BOXES, r"edgesr parity --runtime ort \1"),
    (r" --image-size \S+", " --image-size 96x128"),
    (r" --megapixels \S+", " --megapixels 1,2"),
    (r" --photographs 40\b", " --photographs 4"),
    (r" --size 256x256\b", " --size 32x32"),
    (r" --jobs 16\b", " --jobs 2"),
    (r" --runs \d+", " --runs 50"),
    (r"tests\.fuzzing$", "tests.fuzzing --runs 50"),
    (r"-m tests\.commands\b", "-m tests.commands --list"),
    (r" --region \S+", " --region 8,16,64,80"),
    (r" --min-pixels \d+", " --min-pixels 2000"),
    (_TRAIN, r"edgesr train --steps 2 \1"),
    (r"(\bedgesr train .*) --minutes [\d.]+", r"\1 --minutes 0.05"),
    (r" --(steps|gan-steps|validate-every) [1-9]\d*", r" --\1 2"),
    (r"\bedgesr train ((?!.*--batch-size)[^&;|]*)", r"edgesr train --batch-size 2 --patch-size 24 \1"),
    (r" --serve( --port \d+)?", " --serve --port 0"),
    (r"(\bedgesr upscale .* --ray) \S+", r"\1 127.0.0.1:6399"),
    (r"^(edgesr devices clean browser)$", r"XDG_CACHE_HOME=empty-cache \1"),
    (r"^for set in .*", r"for set in '' mixed- published-; do cp -r ${set}new ${set}old; done; \g<0>"),
)
"""What makes commands short, and keeps them from what is the user's own. They are run with these."""


def spelled_out(text: str) -> str:
    """A command with its placeholders and its notation replaced."""
    return _replaced(without_notation(text), PLACEHOLDERS)


def shortened(text: str) -> str:
    """A command as it is run."""
    return _replaced(spelled_out(text), SHORTENED)


def _replaced(text: str, rows: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in rows:
        text = re.sub(pattern, replacement, text)
    return text
