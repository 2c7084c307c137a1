"""Makes the packaged program start where Linux has no desktop, before anything else is imported.

Qt needs the graphics and screen libraries even to decode a recording without a window. They belong
to the system, which knows its hardware, so the system's are used where they are; only where one is
missing does its copy from the folder `fallback` stand in.
"""

import ctypes
import sys
from pathlib import Path

FALLBACK = Path(getattr(sys, "_MEIPASS", "")) / "fallback"
LIBRARIES = (  # each after those that it needs itself
    "libxcb.so.1",
    "libdrm.so.2",
    "libGLdispatch.so.0",
    "libGLX.so.0",
    "libGL.so.1",
    "libEGL.so.1",
    "libwayland-client.so.0",
    "libwayland-cursor.so.0",
    "libwayland-egl.so.1",
)


def load() -> None:
    """Load what the system lacks; the loader then finds it by its name."""
    for name in LIBRARIES:
        try:
            ctypes.CDLL(name)
        except OSError:
            ctypes.CDLL(str(FALLBACK / name), mode=ctypes.RTLD_GLOBAL)


if sys.platform == "linux" and FALLBACK.is_dir():
    load()
