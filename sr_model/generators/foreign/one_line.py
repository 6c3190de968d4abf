"""Errors of others' code in one line."""

from __future__ import annotations

from edgesr.runtimes.wording import printable, shown_text


def in_one_line(error: BaseException, file: str | None = None) -> str:
    """An error's kind and its message on one line, and the last line of ``file`` that led to it."""
    traceback, place = error.__traceback__, ""
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            place = f" (line {traceback.tb_lineno})"
        traceback = traceback.tb_next
    message = " ".join(str(error).split())
    return f"{type(error).__name__}{message and ': '}{shown_text(printable(message))}{place}"
