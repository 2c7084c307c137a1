"""Stands in for PyAV in the packaged program, before anything else is imported.

faster-whisper imports `av` to decode files, which the product never asks of it: recordings are
decoded by Qt's FFmpeg (LGPL). PyAV's wheels carry x264 and x265 (GPL), so they are not packaged.
"""

import sys
import types

sys.modules["av"] = types.ModuleType("av", "Not here on purpose; see build/without_pyav.py.")
