"""The findings of readers on a made-up Raspberry Pi 5, Jetson and phone, and on a device that tells nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgesr.benchmarks.state.place import Place, asked
from edgesr.benchmarks.state.readers import FREQUENT, READERS, take_sample
from edgesr.benchmarks.state.reading import Quantity, Sample
from edgesr.benchmarks.state.summary import hottest, power
from tests.helpers.state.programs import BATTERY, CHARGING, NO_HAL, THERMALSERVICE
from tests.helpers.state.trees import PROCESS, jetson, phone, pi5, place, written


def sampled(device: Place) -> Sample:
    return take_sample(device, PROCESS)


def test_a_raspberry_pi_5(tmp_path: Path) -> None:
    found = sampled(pi5(tmp_path))
    assert found.numbers(Quantity.CLOCK_MHZ) == {str(core): 2400.0 for core in range(4)}
    assert {word for _, word in found.words(Quantity.GOVERNOR)} == {"ondemand"}
    assert found.numbers(Quantity.TEMPERATURE_C) == {"cpu-thermal": 61.4, "rp1_adc": 52.3}
    assert not any(found.numbers(Quantity.THROTTLED).values()), "a fan that runs is no throttling"
    before = found.numbers(Quantity.THROTTLED_BEFORE)
    assert [sign for sign, value in before.items() if value] == ["under-voltage", "throttled by the firmware"]
    assert found.numbers(Quantity.RUNS_ON) == {"2": 1.0}
    assert found.numbers(Quantity.WAITED_SECONDS) == {str(PROCESS): 0.002}
    assert (found.numbers(Quantity.LOAD), found.numbers(Quantity.ALL_TICKS)) == ({"": 0.42}, {"": 965})
    assert found.numbers(Quantity.POWER_W) == {"2 rails of the Pi's power chip": pytest.approx(3.15)}


def test_throttling_of_a_pi_is_read_from_its_file_or_its_program(tmp_path: Path) -> None:
    raised = {
        "under-voltage": 1.0,
        "clock capped": 0.0,
        "throttled by the firmware": 1.0,
        "soft temperature limit": 0.0,
    }
    device = pi5(tmp_path, throttled="5")
    assert sampled(device).numbers(Quantity.THROTTLED) == raised
    assert take_sample(device, PROCESS, FREQUENT).numbers(Quantity.THROTTLED) == raised
    (tmp_path / "sys/devices/platform/soc/soc:firmware/get_throttled").unlink()
    assert take_sample(device, PROCESS, FREQUENT).numbers(Quantity.THROTTLED) == {}
    assert sampled(device).numbers(Quantity.THROTTLED) == raised


def test_a_jetson(tmp_path: Path) -> None:
    found = sampled(jetson(tmp_path))
    assert found.numbers(Quantity.CLOCK_MHZ)["5"] == 1510.4
    assert found.numbers(Quantity.TEMPERATURE_C) == {"cpu-thermal": 55.25, "gpu-thermal": 58.0}
    assert hottest([found]) == [("cpu-thermal", 55.25)]
    assert found.numbers(Quantity.THROTTLED) == {"cooling by cpufreq-cpu0": 0.0}
    assert power(found) == ("INA3221 VDD_IN", 7.5)


def test_rails_of_a_jetson_without_one_that_feeds_all_add_up(tmp_path: Path) -> None:
    device = jetson(tmp_path)
    (tmp_path / "sys/class/hwmon/hwmon1/in1_label").write_text("VDD_GPU_SOC\n")
    assert power(sampled(device)) == ("INA3221 VDD_GPU_SOC + VDD_CPU_GPU_CV", 9.5)


def test_a_phone(tmp_path: Path) -> None:
    found = sampled(phone(tmp_path))
    assert found.numbers(Quantity.TEMPERATURE_C) == {
        "CPU0": 47.9,
        "CPU AP": 63.5,
        "GPU": 70.2,
        "battery": 29.1,
    }, "older temperatures do not count, nor those that no chip has"
    assert hottest([found]) == [("CPU AP", 63.5)]
    assert found.numbers(Quantity.THROTTLED) == {"Android's thermal status is moderate": 1.0}
    assert list(found.words(Quantity.SUPPLY)) == [("", "battery")]
    assert found.numbers(Quantity.CHARGE_PERCENT) == {"battery": 87.0}
    assert found.numbers(Quantity.RUNS_ON) == {"7": 1.0}, "a thread that sleeps runs nowhere"
    assert take_sample(phone(tmp_path), PROCESS, FREQUENT).numbers(Quantity.TEMPERATURE_C) == {}


@pytest.mark.parametrize(
    ("programs", "throttled", "supply"),
    [
        ({"thermalservice": NO_HAL, "battery": CHARGING}, {"Android's thermal status is none": 0.0}, ["mains"]),
        ({"thermalservice": "Can't find service: thermalservice\n", "battery": ""}, {}, []),
        ({"thermalservice": THERMALSERVICE.replace("Status: 2", "Status: 99"), "battery": BATTERY}, {}, ["battery"]),
    ],
)
def test_dumpsys(tmp_path: Path, programs: dict[str, str], throttled: dict[str, float], supply: list[str]) -> None:
    found = sampled(place(tmp_path, {("dumpsys", name): text for name, text in programs.items()}))
    assert found.numbers(Quantity.THROTTLED) == throttled
    assert [word for _, word in found.words(Quantity.SUPPLY)] == supply


BATTERY_FILES = {"type": "Battery", "capacity": 55, "current_now": -400_000, "voltage_now": 4_000_000}


@pytest.mark.parametrize(
    ("status", "online", "supply", "watts"),
    [
        ("Discharging", 0, ["battery"], ("battery bat", 1.6)),
        ("Charging", 1, ["mains"], None),
        ("Full", 0, ["mains"], None),
    ],
)
def test_batteries(
    tmp_path: Path, status: str, online: int, supply: list[str], watts: tuple[str, float] | None
) -> None:
    """A battery's power is that of the device only while nothing charges it."""
    folder = "sys/class/power_supply"
    files = {f"{folder}/bat/{name}": value for name, value in {**BATTERY_FILES, "status": status}.items()}
    files |= {f"{folder}/usb/type": "USB", f"{folder}/usb/online": online}
    files |= {f"{folder}/mouse/{name}": value for name, value in {**BATTERY_FILES, "status": "Discharging"}.items()}
    written(tmp_path, {**files, f"{folder}/mouse/scope": "Device"})
    found = sampled(place(tmp_path))
    assert [word for _, word in found.words(Quantity.SUPPLY)] == supply
    assert found.numbers(Quantity.CHARGE_PERCENT) == {"bat": 55.0}
    assert power(found) == watts


def test_a_device_that_shows_nothing_has_no_readings(tmp_path: Path) -> None:
    assert sampled(place(tmp_path)).readings == ()


def test_files_that_say_something_else_are_not_told(tmp_path: Path) -> None:
    files = {
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "<unknown>",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
        "sys/class/thermal/thermal_zone0/temp": "0",
        "sys/class/thermal/thermal_zone1/type": "cpu-thermal-off",
        "sys/class/thermal/thermal_zone1/temp": "-40000",
        "sys/devices/platform/soc/soc:firmware/get_throttled": "what",
        "sys/class/hwmon/hwmon0/name": "ina3221",
        f"proc/{PROCESS}/task/1/stat": "",
        "proc/stat": "cpu 1 2",
    }
    written(tmp_path, files)
    assert sampled(place(tmp_path)).readings == ()


def test_programs_that_are_missing_or_fail_tell_nothing() -> None:
    assert asked(["edgesr-no-such-program"]) is None
    assert asked(["false"]) is None
    assert asked(["echo", "told"]) == "told\n"


def test_readers_have_names_of_their_own() -> None:
    assert len({one.title for one in READERS}) == len(READERS)
