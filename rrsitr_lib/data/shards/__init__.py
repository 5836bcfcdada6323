"""Tar shards of pairs, more of them than memory holds: named by a pattern, indexed once, read where they lie.

A row is a pair's place in its shard, behind the rows of the shards before it.
"""

import re
from pathlib import Path

from rrsitr_lib.errors import InputError

SPAN = re.compile(r"\{(\d+)\.\.(\d+)\}")
MOST = 1_000_000


def shard_files(pattern: str | Path) -> list[Path]:
    """The files that ``{0000..0499}.tar`` or ``*.tar`` stands for. Raises ``InputError`` naming those that lack.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> for name in ("08.tar", "09.tar", "10.tar"):
    ...     (folder / name).touch()
    >>> [path.name for path in shard_files(folder / "{08..10}.tar")], len(shard_files(folder / "*.tar"))
    (['08.tar', '09.tar', '10.tar'], 3)
    """
    folder, name = Path(pattern).parent, Path(pattern).name
    if found := SPAN.search(name):
        first, last = int(found[1]), int(found[2])
        if not first <= last < first + MOST:
            raise InputError(f"{pattern}: from {found[1]} to {found[2]}: allowed are up to {MOST:,} shards, upwards")
        names = [f"{name[: found.start()]}{n:0{len(found[1])}}{name[found.end() :]}" for n in range(first, last + 1)]
        files = [folder / one for one in names]
    elif set(name) & set("*?["):
        files = sorted(folder.glob(name))
    else:
        files = [folder / name]
    if lost := [path.name for path in files if not path.is_file()]:
        raise InputError(f"{pattern}: {len(lost)} of {len(files)} shards are not there: {', '.join(lost[:3])}")
    if not files:
        raise InputError(f"{pattern}: no file fits")
    return files
