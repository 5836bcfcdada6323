"""Text that others wrote: one reader, which turns what a disk, a packer or another encoding makes of it into a line."""

import codecs
import gzip
import zlib
from pathlib import Path

from rrsitr_lib.errors import InputError


def read_text(path: str | Path) -> str:
    """UTF-8 text, or UTF-16 that begins with its mark, gzip or not; ``InputError`` names file, line and bad byte."""
    path, data = Path(path), b""
    try:
        data = path.read_bytes()
        if path.name.lower().endswith(".gz") or data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        return data.decode("utf-16" if data[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a whole gzip file ({error}); fetch it again") from None
    except UnicodeDecodeError as error:
        line, found = data.count(b"\n", 0, error.start) + 1, data[error.start : error.start + 1]
        said = f"{path}, line {line}: byte {error.start} is {found!r}: allowed is UTF-8 text"
        of = "UTF-16LE (or UTF-16BE)" if b"\0" in data else "LATIN1 (or GB18030)"
        raise InputError(f"{said}; iconv -f {of} -t UTF-8 converts it") from None
    except OSError as error:
        reason = "a folder, a file is needed" if path.is_dir() else (error.strerror or error)
        raise InputError(f"{path}: cannot be read ({reason})") from None
