"""Draws family.png: quality and cost of the mobile family next to ETDS and ABPN. python docs/family/plot.py

Figures of ETDS and ABPN: Chao et al., "Equivalent Transformation and Dual Stream Network Construction for Mobile Image
Super-Resolution" (CVPR 2023), table 2, x4: PSNR of luma on Set5, multiply-accumulates for an LR image of 640x360.
Ours were trained for the updates that docs/mobile_family.md tells.
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

PUBLISHED = {
    "ETDS-T": (4.88, 30.87),
    "ETDS-S": (12.41, 31.19),
    "ETDS-M": (16.66, 31.41),
    "ETDS-L": (39.05, 31.69),
    "ABPN-M4C28": (14.24, 31.32),
    "ABPN-M6C40": (28.91, 31.62),
}
OURS = {
    "srrescycgan-mobile": (29.22, 31.31),
    "mobile-m": (16.12, 31.14),
    "mobile-l": (28.96, 31.39),
}
SHORT = {"mobile-s": (4.36, 29.82)}

TICKS = (5, 10, 20, 30, 40)


def draw(path: Path) -> None:
    """Write the plot as a PNG."""
    figure = Figure(figsize=(7.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for title, points, marker in (
        ("published, 1.6M updates", PUBLISHED, "o"),
        ("edgesr, clean weights, 11,000 to 45,000 updates", OURS, "s"),
        ("edgesr, 1,500 updates", SHORT, "^"),
    ):
        axes.plot(*zip(*points.values(), strict=True), marker, label=title)
        for name, point in points.items():
            axes.annotate(name, point, textcoords="offset points", xytext=(5, -10), fontsize=8)
    axes.set_xscale("log")
    axes.set_xticks(TICKS, [str(tick) for tick in TICKS])
    axes.minorticks_off()
    axes.set_xlim(4, 50)
    axes.set_xlabel("GMAC for 640x360 LR pixels")
    axes.set_ylabel("PSNR Y, dB, Set5 x4")
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    draw(Path(__file__).with_name("family.png"))
