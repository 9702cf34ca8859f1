"""The layout of the topology's picture: boxes, lines and texts with their places, for a wide and a narrow page.

Both are drawn once and the style sheet shows the one that fits: scaled down, the wide one could not be read.
"""

from dataclasses import dataclass, field
from typing import Final

from provisioner.report.topology import Pod, Topology, Zone

_GAP: Final = 16
_ZONE_WIDTH: Final = 296
_LINE: Final = 17
_HEAD_HEIGHT: Final = 72
_POD_HEIGHT: Final = 42
_TARGET_HEIGHT: Final = 44
_CHARACTER: Final = 7.0  # of the fixed-width font at 11.5 px; names are cut where their box ends
_MOST_COLUMNS: Final = 3


@dataclass(frozen=True)
class Box:
    x: float
    y: float
    width: float
    height: float
    style: str


@dataclass(frozen=True)
class Text:
    x: float
    y: float
    text: str
    style: str


@dataclass(frozen=True)
class Line:
    x1: float
    y1: float
    x2: float
    y2: float
    style: str


@dataclass
class Picture:
    width: float
    height: float = 0
    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)

    def write(self, x: float, y: float, text: str, style: str, width: float) -> None:
        most = int(width / _CHARACTER)
        self.texts.append(Text(x, y, text if len(text) <= most else text[: max(most - 1, 0)] + "…", style))


def picture(topology: Topology, *, columns: int) -> Picture:
    """`columns` zones side by side; a file system above, with a line to each of its mount targets."""
    columns = max(1, min(columns, _MOST_COLUMNS, len(topology.zones)))
    width = columns * (_ZONE_WIDTH + _GAP) + 3 * _GAP
    drawn = Picture(width)
    file_system = _file_system(drawn, topology, width)
    top = file_system.y + file_system.height + 2 * _GAP
    drawn.write(2 * _GAP, top + 22, f"VPC {topology.vpc_id}", "label", width - 4 * _GAP)
    if topology.cluster:
        drawn.write(2 * _GAP, top + 40, f"cluster {topology.cluster}", "quiet", width - 4 * _GAP)
    y = top + (54 if topology.cluster else 36)
    for first in range(0, len(topology.zones), columns):
        row = topology.zones[first : first + columns]
        height = max(_height(zone) for zone in row)
        for number, zone in enumerate(row):
            x = 2 * _GAP + number * (_ZONE_WIDTH + _GAP)
            _zone(drawn, zone, topology, x, y, height)
        y += height + _GAP
    drawn.boxes.insert(0, Box(_GAP, top, width - 2 * _GAP, y - top, "vpc"))
    _connect(drawn, file_system, columns)
    drawn.height = y + _GAP
    return drawn


def _file_system(drawn: Picture, topology: Topology, width: float) -> Box:
    box = Box(_GAP, 2, width - 2 * _GAP, 44, "file-system" if topology.file_system_id else "absent")
    drawn.boxes.append(box)
    lines = [f"EFS {topology.file_system_id}" if topology.file_system_id else "no file system yet"]
    if topology.lender:
        lines.append(f"of account {topology.lender}")
    for number, line in enumerate(lines):
        y = box.y + 27 + (number - (len(lines) - 1) / 2) * _LINE
        drawn.write(box.x + _GAP, y, line, "label", box.width - 2 * _GAP)
    return box


def _height(zone: Zone) -> float:
    return _HEAD_HEIGHT + _TARGET_HEIGHT + 2 * _GAP + max(1, len(zone.pods)) * (_POD_HEIGHT + 8) + 8


def _zone(drawn: Picture, zone: Zone, topology: Topology, x: float, y: float, height: float) -> None:
    inner = _ZONE_WIDTH - 2 * _GAP
    drawn.boxes.append(Box(x, y, _ZONE_WIDTH, height, "zone"))
    drawn.write(x + _GAP, y + 22, f"{zone.name} {zone.zone_id}".strip(), "label", inner)
    for number, line in enumerate((zone.subnet_id, zone.cidr), start=1):
        drawn.write(x + _GAP, y + 22 + number * _LINE, line, "quiet", inner)
    target = y + _HEAD_HEIGHT
    exists = bool(zone.mount_target_id)
    drawn.boxes.append(Box(x + _GAP, target, inner, _TARGET_HEIGHT, "target" if exists else "absent"))
    title = f"{zone.mount_target_id} {zone.mount_target_address}" if exists else "no mount target"
    drawn.write(x + 1.75 * _GAP, target + 18, title, "text", inner - 1.5 * _GAP)
    if exists and topology.security_group_id:
        drawn.write(x + 1.75 * _GAP, target + 35, topology.security_group_id, "quiet", inner - 1.5 * _GAP)
    first = target + _TARGET_HEIGHT + 2 * _GAP
    if not zone.pods:
        drawn.write(x + _GAP, first + 20, "no pod here", "quiet", inner)
    trunk = x + _GAP + 10
    for number, pod in enumerate(zone.pods):
        top = first + number * (_POD_HEIGHT + 8)
        _pod(drawn, pod, x + _GAP + 24, top, inner - 24)
        if pod.mounted and exists:
            drawn.lines.append(Line(trunk, top + _POD_HEIGHT / 2, x + _GAP + 24, top + _POD_HEIGHT / 2, "mount"))
    mounting = [number for number, pod in enumerate(zone.pods) if pod.mounted and exists]
    if mounting:
        last = first + mounting[-1] * (_POD_HEIGHT + 8) + _POD_HEIGHT / 2
        drawn.lines.append(Line(trunk, target + _TARGET_HEIGHT, trunk, last, "mount"))


def _pod(drawn: Picture, pod: Pod, x: float, y: float, width: float) -> None:
    drawn.boxes.append(Box(x, y, width, _POD_HEIGHT, f"pod {pod.role}" if pod.mounted else "pod unmounted"))
    drawn.write(x + 12, y + 17, pod.short_name, "text", width - 20)
    drawn.write(x + 12, y + 33, f"{pod.role}, {pod.address}" if pod.mounted else "nothing mounted", "quiet", width - 20)


def _connect(drawn: Picture, file_system: Box, columns: int) -> None:
    """Down the right edge of each column, past the zones above, to every mount target."""
    targets = [box for box in drawn.boxes if box.style == "target"]
    for number in range(columns):
        right = 2 * _GAP + number * (_ZONE_WIDTH + _GAP) + _ZONE_WIDTH - 6
        below = [box for box in targets if box.x < right <= box.x + _ZONE_WIDTH]
        if not below:
            continue
        end = max(box.y + box.height / 2 for box in below)
        drawn.lines.append(Line(right, file_system.y + file_system.height, right, end, "network"))
        for box in below:
            middle = box.y + box.height / 2
            drawn.lines.append(Line(box.x + box.width, middle, right, middle, "network"))
