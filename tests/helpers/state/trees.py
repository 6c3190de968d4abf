"""Made-up trees of /sys and /proc, as a Raspberry Pi 5, a Jetson Orin Nano and a phone have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from edgesr.benchmarks.state.place import Place
from tests.helpers.state.programs import PHONE_PROGRAMS, PI_PROGRAMS

CPU = "sys/devices/system/cpu"
PROCESS = 4711
"""The measured process of the trees that have one."""


def written(root: Path, files: Mapping[str, object]) -> None:
    """Write files below a root, each with a line feed as the kernel ends them."""
    for name, content in files.items():
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{content}\n")


def place(root: Path, programs: Mapping[tuple[str, ...], str] | None = None) -> Place:
    """A device with these programs, by their command lines."""
    known = programs or {}
    return Place(root=root, ask=lambda command: known.get(tuple(command)))


def cores(
    mhz: Sequence[float], *, highest: Sequence[float], governor: str, capacity: Sequence[int | None]
) -> dict[str, object]:
    """Files of the cores' clocks, a value each."""
    files: dict[str, object] = {}
    for core, (now, most, size) in enumerate(zip(mhz, highest, capacity, strict=True)):
        files |= {
            f"{CPU}/cpu{core}/cpufreq/scaling_cur_freq": round(now * 1000),
            f"{CPU}/cpu{core}/cpufreq/scaling_max_freq": round(most * 1000),
            f"{CPU}/cpu{core}/cpufreq/cpuinfo_max_freq": round(most * 1000),
            f"{CPU}/cpu{core}/cpufreq/scaling_governor": governor,
        }
        files |= {} if size is None else {f"{CPU}/cpu{core}/cpu_capacity": size}
    return files


def thread(number: int, *, core: int, waited_ns: int, state: str = "R") -> dict[str, object]:
    """Files of a thread of the measured process, whose program has blanks and a bracket in its name."""
    fields = [state, *["0"] * 35, core, *["0"] * 13]
    return {
        f"proc/{PROCESS}/task/{number}/stat": f"{number} (py thon) 3) {' '.join(map(str, fields))}",
        f"proc/{PROCESS}/task/{number}/schedstat": f"900000000 {waited_ns} 55",
    }


def pi5(root: Path, *, mhz: float = 2400, throttled: str = "50000", celsius: float = 61.4) -> Place:
    """Four cores alike; a fan, whose speed is no throttling; firmware that tells of under-voltage since the start."""
    written(
        root,
        {
            **cores([mhz] * 4, highest=[2400] * 4, governor="ondemand", capacity=[None] * 4),
            **thread(PROCESS, core=2, waited_ns=2_000_000),
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
            "sys/class/thermal/thermal_zone0/temp": round(celsius * 1000),
            "sys/class/thermal/cooling_device0/type": "pwm-fan",
            "sys/class/thermal/cooling_device0/cur_state": 3,
            "sys/devices/platform/soc/soc:firmware/get_throttled": throttled,
            "sys/class/hwmon/hwmon0/name": "rp1_adc",
            "sys/class/hwmon/hwmon0/temp1_input": 52_300,
            "proc/loadavg": "0.42 0.30 0.20 2/200 4712",
            "proc/stat": "cpu  100 0 50 800 10 0 5 0 0 0\ncpu0 25 0 12 200 2 0 1 0 0 0",
        },
    )
    return place(root, PI_PROGRAMS)


def jetson(root: Path, *, milliamperes: int = 1_500) -> Place:
    """Six cores; a monitor whose first rail feeds the others; a zone that cannot be read while its part is off."""
    written(
        root,
        {
            **cores([1510.4] * 6, highest=[1510.4] * 6, governor="schedutil", capacity=[1024] * 6),
            "sys/class/thermal/thermal_zone0/type": "cpu-thermal",
            "sys/class/thermal/thermal_zone0/temp": 55_250,
            "sys/class/thermal/thermal_zone1/type": "gpu-thermal",
            "sys/class/thermal/thermal_zone1/temp": 58_000,
            "sys/class/thermal/thermal_zone2/type": "cv0-thermal",
            "sys/class/thermal/cooling_device0/type": "cpufreq-cpu0",
            "sys/class/thermal/cooling_device0/cur_state": 0,
            "sys/class/hwmon/hwmon1/name": "ina3221",
            "sys/class/hwmon/hwmon1/in1_label": "VDD_IN",
            "sys/class/hwmon/hwmon1/in1_input": 5_000,
            "sys/class/hwmon/hwmon1/curr1_input": milliamperes,
            "sys/class/hwmon/hwmon1/in2_label": "VDD_CPU_GPU_CV",
            "sys/class/hwmon/hwmon1/in2_input": 5_000,
            "sys/class/hwmon/hwmon1/curr2_input": 400,
            "proc/loadavg": "1.50 1.20 0.90 3/400 4712",
        },
    )
    (root / "sys/class/thermal/thermal_zone2/temp").mkdir()
    return place(root)


def phone(root: Path) -> Place:
    """Four little cores, three larger ones and one that is the fastest; heat and battery are told by dumpsys alone."""
    little, large, fastest = 1704.0, 2208.0, 2842.0
    highest = [little] * 4 + [large] * 3 + [fastest]
    capacity = [261] * 4 + [761] * 3 + [1024]
    written(
        root,
        {
            **cores(highest, highest=highest, governor="walt", capacity=capacity),
            **thread(PROCESS, core=7, waited_ns=0),
            **thread(PROCESS + 1, core=3, waited_ns=0, state="S"),
        },
    )
    return place(root, PHONE_PROGRAMS)
