"""edgesr next to other upscalers: quality, time and pictures, and the page docs/peers.md with the tables of both.

python docs/peers/peers.py bundles --bundles DIR [--published FILE]
python docs/peers/peers.py quality --bundles DIR --peers VENV --data DIR,DIR,DIR --work DIR
python docs/peers/peers.py time --bundles DIR --peers VENV --image FILE [--rounds 3] [--crop-rounds 2]
python docs/peers/peers.py crops --bundles DIR --peers VENV [--image FILE,FILE --degradation jpeg:30 --output DIR]
python docs/peers/peers.py page
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from peer_methods import BUNDLES, Method, methods, pythons
from peer_results import CROP, PHOTOGRAPH, PeerResults, empty_results, read_peer_results
from peer_tables import filled

from edgesr.benchmarks.results.writing import write_json
from edgesr.runtimes.errors import EdgesrError
from edgesr.runtimes.files import write_output

HERE = Path(__file__).parent


def main() -> None:
    arguments = _arguments()
    try:
        COMMANDS[arguments.command](arguments)
    except EdgesrError as error:
        print(f"peers.py: {error}", file=sys.stderr)
        sys.exit(2)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    of = {name: commands.add_parser(name) for name in COMMANDS}
    for name in ("bundles", "quality", "time", "crops"):
        of[name].add_argument("--bundles", type=Path, required=name == "bundles", help="folder of edgesr's bundles")
    of["bundles"].add_argument("--published", type=Path, help="checkpoint of the published SRResCGAN")
    for name in ("quality", "time", "crops"):
        of[name].add_argument("--peers", type=Path, required=True, help="environment with the other upscalers")
        of[name].add_argument("--methods", type=lambda text: text.split(";"), help="names joined by ; (all)")
    for name in ("quality", "time", "page"):
        of[name].add_argument("--results", type=Path, default=HERE / "results.json", help="the file of all figures")
        of[name].add_argument("--page", type=Path, default=HERE.parent / "peers.md", help="its tables are written")
    of["quality"].add_argument("--data", type=_files, required=True, help="folders of HR images, joined by a comma")
    of["quality"].add_argument("--work", type=Path, required=True, help="folder of what was measured already")
    of["time"].add_argument("--image", type=Path, required=True, help="the photograph")
    of["time"].add_argument("--rounds", type=int, default=3, help="of the photograph")
    of["time"].add_argument("--crop-rounds", type=int, default=2, help="of the crop, for slow methods")
    of["crops"].add_argument(
        "--image", type=_files, default=[], help="photographs, joined by a comma; edgesr's unless given"
    )
    of["crops"].add_argument("--degradation", default="clean", help="of these photographs, as noise:8 or jpeg:30")
    of["crops"].add_argument("--output", type=Path, default=HERE, help="folder of the pictures")
    return parser.parse_args()


def _files(text: str) -> list[Path]:
    return [Path(one) for one in text.split(",")]


def _bundles(arguments: argparse.Namespace) -> None:
    """Export each bundle of the table; the published network where its checkpoint is given."""
    import edgesr

    for own in BUNDLES:
        checkpoint = None if own.preset else arguments.published
        if own.preset is None and checkpoint is None:
            continue
        options = edgesr.ExportOptions(
            preset=own.preset,
            weights=own.weights,
            checkpoint=checkpoint,
            targets=("onnx", "tflite") if own.timed else ("onnx",),
            precisions=("fp32", "int8") if own.timed else ("fp32",),
            graphs=("tile",),
        )
        edgesr.export_bundle(options, arguments.bundles / own.name)
        print(own.name, flush=True)


def _quality(arguments: argparse.Namespace) -> None:
    from peer_quality import measure

    chosen = _chosen(arguments, "quality")
    part = measure(chosen, pythons(arguments.peers), arguments.data, arguments.work, _told)
    _store(arguments, replace(_results(arguments), quality=part))


def _time(arguments: argparse.Namespace) -> None:
    from peer_times import measure

    chosen = _chosen(arguments, "time")
    rounds = {PHOTOGRAPH: arguments.rounds, CROP: arguments.crop_rounds}
    part = measure(chosen, pythons(arguments.peers), arguments.image, rounds, _told)
    _store(arguments, replace(_results(arguments), time=part))


def _crops(arguments: argparse.Namespace) -> None:
    from peer_crops import SCENES, Scene, draw

    own = [
        Scene(
            name=f"{image.stem}_{arguments.degradation.replace(':', '')}",
            photograph=str(image),
            degradation=arguments.degradation,
        )
        for image in arguments.image
    ]
    chosen = _chosen(arguments, "quality")
    for file in draw(chosen, pythons(arguments.peers), own or SCENES, arguments.output, _told):
        print(f"{file}: {file.stat().st_size} bytes")


def _page(arguments: argparse.Namespace) -> None:
    page = arguments.page.read_text()
    write_output(arguments.page, filled(page, read_peer_results(arguments.results)).encode())


def _told(text: str) -> None:
    print(text, flush=True)


def _chosen(arguments: argparse.Namespace, measure: str) -> list[Method]:
    found = methods(measure, arguments.bundles)
    return [one for one in found if arguments.methods is None or one.name in arguments.methods]


def _results(arguments: argparse.Namespace) -> PeerResults:
    return read_peer_results(arguments.results) if arguments.results.exists() else empty_results()


def _store(arguments: argparse.Namespace, results: PeerResults) -> None:
    """The file of results, and the page where there is one."""
    write_json(results, arguments.results)
    if arguments.page.exists():
        _page(arguments)


COMMANDS = {"bundles": _bundles, "quality": _quality, "time": _time, "crops": _crops, "page": _page}


if __name__ == "__main__":
    main()
