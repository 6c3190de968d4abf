"""Behaviours of a page towards the process that asks it: answer, fail, hang, end, or be someone else."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edgesr.benchmarks.devices.browser.channel import Channel, PageEndedError, PageError, PageHungError, Patience
from edgesr.benchmarks.devices.browser.framing import LARGEST_MESSAGE_BYTES, packed, unpacked
from edgesr.runtimes.json_file import JsonError
from tests.helpers.browser.fake_page import Answer, echoed, fake_page, message_of, refused

QUICK = Patience(answer_seconds=0.5, silence_seconds=10)


def test_a_message_is_what_it_was() -> None:
    assert unpacked(packed({"id": 7, "do": "run"}, b"\0\1\2")) == ({"id": 7, "do": "run"}, b"\0\1\2")


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"\0\0", "shorter than the length"),
        (b"\xff\xff\xff\xff{}", "4294967295 bytes, which is too long"),
        ((2**17).to_bytes(4, "little") + b" " * 2**17, "131072 bytes, which is too long"),
        (message_of([1]), "head that is no object"),
        (b"\x04\0\0\0{nan", "is not JSON"),
    ],
)
def test_no_other_bytes_are_a_message(message: bytes, why: str) -> None:
    with pytest.raises(JsonError, match=why):
        unpacked(message)


def test_questions_are_answered_in_turn(tmp_path: Path) -> None:
    with fake_page(tmp_path, echoed) as (channel, page):
        assert channel.ask({"do": "run", "shape": [1, 2]}, b"ab")[1] == b"ab"
        assert channel.ask({"do": "run", "shape": [1]}, b"c") == (
            {"id": 2, "shape": [1], "ms": 1.5, "session": 0},
            b"c",
        )
    assert [one["id"] for one in page.asked] == [1, 2]


def test_what_failed_in_the_page_is_its_own_error(tmp_path: Path) -> None:
    with fake_page(tmp_path, refused) as (channel, _), pytest.raises(PageError, match="no kernel of that name"):
        channel.ask({"do": "open"})


def test_a_page_that_lives_and_never_answers_has_hung(tmp_path: Path) -> None:
    with (
        fake_page(tmp_path, lambda *_: None, patience=QUICK) as (channel, page),
        pytest.raises(PageHungError, match=r"no answer in 0\.5 s"),
    ):
        channel.ask({"do": "run"})
    assert len(page.asked) == 1


def test_a_silent_page_has_ended(tmp_path: Path) -> None:
    patience = Patience(answer_seconds=60, silence_seconds=0.4)
    with (
        fake_page(tmp_path, lambda *_: None, patience=patience) as (channel, _),
        pytest.raises(PageEndedError, match=r"no sign of life for 0\.4 s"),
    ):
        channel.ask({"do": "run"})


def test_beats_keep_a_page_alive(tmp_path: Path) -> None:
    """The same silence limit, with a beat within each: it has hung, and has not ended."""
    patience = Patience(answer_seconds=1.2, silence_seconds=0.6)
    with fake_page(tmp_path, lambda *_: None, patience=patience) as (channel, page):
        stopped = threading.Event()

        def beat() -> None:
            while not stopped.wait(0.1):
                page.request("POST", "/beats", b"")

        threading.Thread(target=beat, daemon=True).start()
        with pytest.raises(PageHungError):
            channel.ask({"do": "run"})
        stopped.set()


def test_the_end_of_the_browser_is_told_at_once(tmp_path: Path) -> None:
    with fake_page(tmp_path, None) as (channel, _):
        channel.why_ended = lambda: "Chromium: killed by SIGSEGV"
        with pytest.raises(PageEndedError, match="killed by SIGSEGV"):
            channel.ask({"do": "run"})


@pytest.mark.parametrize("answer", [lambda *_: b"hello", lambda *_: packed({"id": 99}), lambda *_: packed({})])
def test_an_answer_to_nothing_ends_the_page(answer: Answer, tmp_path: Path) -> None:
    with (
        fake_page(tmp_path, answer) as (channel, _),
        pytest.raises(PageEndedError, match=r"answer is shorter|answer has a head|another question"),
    ):
        channel.ask({"do": "run"})


def test_only_the_page_itself_is_admitted(tmp_path: Path) -> None:
    """Neither a foreign token nor a foreign name of this server gets a question, or is believed an answer."""
    with fake_page(tmp_path, None, patience=QUICK) as (channel, page):
        own = f"token={channel.token}"
        for query, host in (("token=x", None), ("", None), (own, "evil.example")):
            headers = {} if host is None else {"Host": host}
            for method, path in (("GET", "/questions"), ("POST", "/answers"), ("POST", "/beats")):
                assert page.request(method, path, b"", query=query, **headers)[0] == 403
        with pytest.raises(PageHungError):
            channel.ask({"do": "run"})


def test_what_is_too_large_or_elsewhere_is_refused(tmp_path: Path) -> None:
    with fake_page(tmp_path, None) as (_, page):
        too_large = {"Content-Length": str(LARGEST_MESSAGE_BYTES + 1)}
        assert page.request("POST", "/answers", b"", **too_large)[0] == 413
        assert page.request("POST", "/elsewhere", b"")[0] == 400


def test_files_come_with_the_headers_that_threads_need(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "module.mjs").write_text("1")
    (tmp_path / "secret").write_text("s")
    with fake_page(app, None) as (_, page):
        status, content, headers = page.request("GET", "/module.mjs", query="")
        assert (status, content, headers["Content-type"]) == (200, b"1", "text/javascript")
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Embedder-Policy"] == "require-corp"
        assert page.request("GET", "/../secret")[0] == 404
        assert page.request("GET", "/")[0] == 404
        assert page.request("GET", "/module.mjs", Host="evil.example")[0] == 403


def test_two_channels_have_two_tokens() -> None:
    assert Channel().token != Channel().token and len(Channel().token) >= 32
