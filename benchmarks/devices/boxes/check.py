"""The check of a box: its machine, whether a worker runs on it, and the files that would be sent to it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from edgesr.benchmarks.devices.boxes.box import Box
from edgesr.benchmarks.devices.boxes.facts import Facts
from edgesr.benchmarks.devices.boxes.opening import box_device, obstacles, pushed_root
from edgesr.benchmarks.devices.boxes.payloads import Payload, bundle_payload
from edgesr.benchmarks.devices.boxes.transport import Transport
from edgesr.benchmarks.devices.device import Finding, Plan
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.wording import counted

_NOT_TOLD = "not told"


def check_box(transport: Transport, plan: Plan, *, note: str = "") -> Iterator[Finding]:
    """One finding after the other; what keeps a worker from running is the last."""
    box = Box(transport)
    try:
        facts = box.probe()
        yield from _of_machine(facts, note)
        found = [Finding(what=what, found=why, ok=False) for what, why in obstacles(facts).items()]
        yield from found
        if not found:
            yield from _of_worker(box, facts, plan, note)
    except EdgesrError as error:
        yield Finding(what="refused", found=str(error), ok=False)
    finally:
        transport.close()


def clean_box(transport: Transport) -> str:
    """Delete what edgesr put on a box; what that was."""
    box = Box(transport)
    try:
        facts = box.probe()
        box.clean()
        return f"{box.name}: {facts.folder} is deleted, with {counted(len(facts.folders), 'folder')} in it"
    finally:
        transport.close()


def _of_machine(facts: Facts, note: str) -> Iterator[Finding]:
    big = f"; the fastest are {', '.join(map(str, facts.big_cores))}" if facts.big_cores else ""
    free = _NOT_TOLD if facts.free_bytes is None else f"{facts.free_bytes / 1e6:.0f} MB free"
    yield Finding(what="machine", found=facts.machine or _NOT_TOLD)
    yield Finding(what="model", found=facts.model or _NOT_TOLD)
    yield Finding(what="CPU", found=facts.cpu or _NOT_TOLD)
    yield Finding(what="cores", found=f"{len(facts.cores) or _NOT_TOLD}{big}")
    yield Finding(what="system", found=facts.system or _NOT_TOLD)
    yield Finding(what="page size", found=_NOT_TOLD if facts.page_bytes is None else f"{facts.page_bytes} bytes")
    yield Finding(what="folder", found=f"{facts.folder}, {free}, of user {facts.user or _NOT_TOLD}")
    if note:
        yield Finding(what="note", found=note)


def _of_worker(box: Box, facts: Facts, plan: Plan, note: str) -> Iterator[Finding]:
    """Findings about the files that are there or must be sent, followed by those about the workers."""
    device = box_device(box, facts, pushed_root(box, facts), note)
    bundle = [] if plan.bundle is None else [bundle_payload(plan.bundle, device.runtimes)]
    needed = [*device.software.payloads(plan.runtimes(device)), *bundle]
    yield from _of_payloads([*device.software.payloads(device.runtimes), *bundle], needed, facts)
    started = time.monotonic()
    sent = device.send(needed)
    yield Finding(what="sent now", found=f"{sent / 1e6:.1f} MB, compressed, in {time.monotonic() - started:.1f} s")
    yield from plan.trial(device)


def _of_payloads(every: Sequence[Payload], needed: Sequence[Payload], facts: Facts) -> Iterator[Finding]:
    names = {one.folder for one in needed}
    for one in every:
        state = (
            "is there" if one.folder in facts.folders else "to send" if one.folder in names else "sent when it is used"
        )
        yield Finding(what=one.folder.rpartition("-")[0], found=f"{one.size_bytes / 1e6:.1f} MB unpacked, {state}")
