"""The files of a speech model in one folder, for as long as it takes to load it.

CTranslate2 keeps what it is given in memory as long as the model lives, 145 MB of Whisper base in
every worker; of what it reads from a folder it keeps nothing. Weights are public: what lies there
for a second tells nobody anything, and the folder is of this person alone.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    Files = Mapping[str, Callable[[], Iterable[bytes]]]

_PREFIX = "autoinsights-model-"
_LOADED_AFTER_S = 3600  # no model takes so long: who made the folder was killed


@contextmanager
def laid_out(files: Files) -> Iterator[Path | None]:
    """Yield a folder with files, by name what yields their bytes; nothing where the disk has no
    room, or where CTranslate2 would not find it. Whatever reading a file raises is raised."""
    with ExitStack() as stack:
        folder = None
        try:
            # on Windows, CTranslate2 opens no file below a name like "Jürgen"
            if tempfile.gettempdir().isascii():
                _remove_left()
                folder = _filled(stack, files)
        except OSError:
            stack.close()
        yield folder


def _filled(stack: ExitStack, files: Files) -> Path:
    made = tempfile.TemporaryDirectory(prefix=_PREFIX, ignore_cleanup_errors=True)
    folder = Path(stack.enter_context(made))
    for name, read in files.items():
        with (folder / name).open("xb") as file:
            file.writelines(read())
    return folder


def _remove_left() -> None:
    """Remove what a worker left that was killed while it loaded a model."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _LOADED_AFTER_S:
                shutil.rmtree(folder, ignore_errors=True)
