"""Several boxes behind a fake ssh: which of them are one machine, which do not answer, what costs rows alone."""

from __future__ import annotations

import pytest

from edgesr.benchmarks.devices.boxes.adb import AdbTransport
from edgesr.benchmarks.devices.boxes.device import BoxDevice
from edgesr.benchmarks.devices.boxes.kinds import runtimes_of_roots
from edgesr.benchmarks.devices.boxes.opening import open_box
from edgesr.benchmarks.devices.boxes.ssh import SshTransport
from edgesr.benchmarks.devices.device import AbsentDevice
from edgesr.benchmarks.devices.registry import open_devices
from edgesr.benchmarks.machine.limits import LIMITS, LimitsSettings
from edgesr.runtimes.errors import InputError
from edgesr.runtimes.progress import ProgressEvent
from tests.helpers.boxes.fake_ssh import TARGET, FakeBox

pytest_plugins = ("tests.helpers.boxes.fixtures",)

LIMITS_JOB = LIMITS.job(LimitsSettings(), threads=1)
NO_ROUTE = "ssh: connect to host off port 22: No route to host"


@pytest.mark.usefixtures("fake_root")
def test_names_are_one_machine_where_ssh_says_so(fake_box: FakeBox) -> None:
    """Its configuration is asked, not the network: host, port and the way there count, the user does not."""
    tell = 'if [ -z "$line" ]; then echo "hostname {host}"; echo "port 22"; echo "{way}"; exit; fi'
    fake_box.behave(tell.format(host="10.0.0.5", way="user pi"))
    with pytest.raises(InputError, match=r"^ssh:pi@box and ssh:other are the same machine; give one of them$"):
        open_devices("host,ssh:pi@box,ssh:other")
    for different in (tell.format(host="$2", way=""), tell.format(host="localhost", way="proxyjump $2")):
        fake_box.behave(different)
        assert len({one.machine for one in open_devices("host,ssh:pi@box,ssh:other")}) == 3
    fake_box.behave(tell.format(host="10.0.0.5", way="proxyjump gate"))
    assert open_box(SshTransport(TARGET)).machine == "ssh:10.0.0.5 22 gate"


@pytest.mark.usefixtures("fake_root")
def test_a_box_that_is_off_is_absent_among_others(fake_box: FakeBox) -> None:
    fake_box.behave(f"case $2 in off) echo '{NO_ROUTE}' >&2; exit 255 ;; esac")
    told: list[ProgressEvent] = []
    box, off = open_devices("ssh:pi@box,ssh:off", progress=told.append)
    assert isinstance(box, BoxDevice) and not box.alone
    assert off == AbsentDevice(
        name="ssh:off", reason=f"ssh:off: {NO_ROUTE}; try 'ssh off'", runtimes=runtimes_of_roots()
    )
    assert (off.run(LIMITS_JOB).status, off.machine) == ("crashed", "ssh:off")
    assert [event.note.partition(". ")[0] for event in told] == [off.reason]
    assert {"ort", "tflite"} <= set(runtimes_of_roots()) and "torchscript" not in runtimes_of_roots()


@pytest.mark.usefixtures("fake_root")
@pytest.mark.parametrize(
    "said",
    [
        "ssh: Could not resolve hostname typo: Name or service not known",
        "pi@typo: Permission denied (publickey).",
        "Host key verification failed.",
    ],
)
def test_what_the_user_has_to_mend_is_refused_among_others(said: str, fake_box: FakeBox) -> None:
    fake_box.behave(f"case $2 in typo) echo '{said}' >&2; exit 255 ;; esac")
    with pytest.raises(InputError, match=r"^ssh:typo: "):
        open_devices("ssh:pi@box,ssh:typo")


@pytest.mark.parametrize(
    ("why", "refused"),
    [
        ("ssh: Could not resolve hostname pi.local: Name or service not known", False),
        ("ssh: Could not resolve hostname pi: Name or service not known", True),
        ("ssh: connect to host pi port 22: Connection timed out", False),
        ("ssh: connect to host pi port 22: Connection refused", False),
        ("its host key is unknown here: run 'ssh pi' once and accept it", True),
    ],
)
def test_reasons_of_ssh(why: str, refused: bool) -> None:
    assert SshTransport("pi").is_refusal(why) == refused


def test_reasons_of_adb() -> None:
    transport = AdbTransport("R58")
    assert transport.is_refusal("error: device unauthorized.: allow USB debugging")
    assert not transport.is_refusal("error: device 'R58' not found") and transport.machine == "adb:R58"


@pytest.mark.usefixtures("fake_root")
def test_a_full_box_costs_its_rows_where_others_are_measured(fake_box: FakeBox) -> None:
    fake_box.program("df", "echo head; echo d 1 1 0 0% /")
    device = open_box(SshTransport(TARGET))
    device.present.clear()
    with pytest.raises(InputError, match="are to be sent, but"):
        device.run(LIMITS_JOB)
    outcome = device.beside_others().run(LIMITS_JOB)
    assert (outcome.status, "are to be sent, but" in str(outcome.reason)) == ("crashed", True)
