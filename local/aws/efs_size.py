"""How large EFS says a file system is: what it has metered of the directory that backs it, which is not the latest.

Source: EFS guide, "How Amazon EFS reports file system and object sizes" (2 KiB for each object and its data in steps of
4 KiB; a directory's are its entries'); EFS API, FileSystemSize (right once nothing was written for a couple of hours).
"""

import time
from pathlib import Path
from typing import Any

from moto.efs.models import FileSystem

from local.aws.interfaces import Cloud

INODE_BYTES, STEP_BYTES = 2048, 4096


def install(cloud: Cloud) -> None:
    def size_in_bytes(self: FileSystem) -> dict[str, Any]:
        when = time.time() - cloud.clock.delay("file system size")
        size = metered(cloud.directory / "efs" / self.file_system_id, when)
        return {"Value": size, "Timestamp": when, "ValueInIA": 0, "ValueInStandard": size, "ValueInArchive": 0}

    setattr(FileSystem, "size_in_bytes", property(size_in_bytes))  # noqa: B010


def metered(root: Path, until: float) -> int:
    """Bytes of the root and of every object in it that was there and was last changed by then."""
    size = INODE_BYTES + STEP_BYTES
    for entry in root.rglob("*") if root.is_dir() else ():
        try:
            status = entry.lstat()
        except FileNotFoundError:  # removed meanwhile
            continue
        if status.st_ctime <= until:
            data = STEP_BYTES if entry.is_dir() and not entry.is_symlink() else status.st_size
            size += INODE_BYTES + -(-max(data, 1) // STEP_BYTES) * STEP_BYTES
    return size
