"""One Qt application for all: the decoder would make a small one, and the window needs a whole."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _whole_application(request):
    if request.path.name in ("test_audio.py", "test_decoder.py", "test_framing.py"):
        request.getfixturevalue("qapp")
