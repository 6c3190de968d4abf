"""The output of devices' programs. The formats are those of devices in use, the figures made up."""

THERMALSERVICE = """IsStatusOverride: false
ThermalEventListeners:
\tcallbacks: 2
\tkilled: false
\tbroadcasts count: -1
ThermalStatusListeners:
\tcallbacks: 3
\tkilled: false
\tbroadcasts count: -1
Thermal Status: 2
Cached temperatures:
\tTemperature{mValue=88.1, mType=0, mName=CPU7, mStatus=0}
\tTemperature{mValue=30.0, mType=3, mName=SKIN, mStatus=0}
HAL Ready: true
HAL connection:
\tThermalHAL 2.0 connected: yes
Current temperatures from HAL:
\tTemperature{mValue=47.9, mType=0, mName=CPU0, mStatus=0}
\tTemperature{mValue=63.5, mType=0, mName=AP, mStatus=2}
\tTemperature{mValue=70.2, mType=1, mName=GPU, mStatus=0}
\tTemperature{mValue=-99.9, mType=8, mName=TYPE_POWER_AMPLIFIER, mStatus=0}
\tTemperature{mValue=34.0, mType=2, mName=battery, mStatus=0}
Current cooling devices from HAL:
\tCoolingDevice{mValue=4, mType=2, mName=thermal-cpufreq-2}
"""

NO_HAL = """IsStatusOverride: false
Thermal Status: 0
Cached temperatures:
HAL Ready: false
"""

BATTERY = """Current Battery Service state:
  AC powered: false
  USB powered: false
  Wireless powered: false
  Dock powered: false
  Max charging current: 0
  Max charging voltage: 0
  Charge counter: 3421000
  status: 3
  health: 2
  present: true
  level: 87
  scale: 100
  voltage: 4210
  temperature: 291
  technology: Li-ion
"""

CHARGING = BATTERY.replace("USB powered: false", "USB powered: true").replace("status: 3", "status: 2")

PMIC = """ 3V3_SYS_A current(1)=0.50000000A
  VDD_CORE_A current(7)=2.00000000A
    HDMI_A current(22)=0.01000000A
 3V3_SYS_V volt(9)=3.30000000V
  VDD_CORE_V volt(15)=0.75000000V
     EXT5V_V volt(24)=5.09066000V
      BATT_V volt(25)=nanV
"""
"""Of a Raspberry Pi 5: two rails with both, 1.65 W and 1.5 W, and some with one of them."""

PI_PROGRAMS: dict[tuple[str, ...], str] = {
    ("vcgencmd", "get_throttled"): "throttled=0x50005\n",
    ("vcgencmd", "pmic_read_adc"): PMIC,
}
PHONE_PROGRAMS: dict[tuple[str, ...], str] = {
    ("dumpsys", "thermalservice"): THERMALSERVICE,
    ("dumpsys", "battery"): BATTERY,
}
