"""Decodes compressed recordings from memory through Qt's LGPL build of FFmpeg.

Promises blocks of samples in the order of the recording and an end even where a damaged file makes
the decoder wait for ever. Hides Qt: no other module of the engine touches it. Must run on a thread
that may run an event loop: the worker's main thread.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import (
    QBuffer,
    QByteArray,
    QCoreApplication,
    QEventLoop,
    QIODevice,
    QLoggingCategory,
    QMessageLogContext,
    QTimer,
    QtMsgType,
    qInstallMessageHandler,
)
from shiboken6 import Shiboken

# before QtMultimedia, which complains about absent sound servers while it is imported
QLoggingCategory.setFilterRules("qt.multimedia*=false")
os.environ.setdefault("QT_MEDIA_BACKEND", "ffmpeg")

from PySide6.QtMultimedia import QAudioBuffer, QAudioDecoder, QAudioFormat  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Take = Callable[[NDArray[np.float32], int], None]
    """Is given blocks of samples [frames, channels] from -1 to 1, and their rate in hertz."""

STUCK_MS = 20_000  # without a block for so long, the decoder is given up

_application: QCoreApplication | None = None


@dataclass(frozen=True, slots=True)
class End:
    """How decoding ended: what the container says of its length, and whether it broke off."""

    duration_ms: int  # 0 where the container does not say
    failed: bool
    stuck: bool


def decode_blocks(data: bytes, take: Take, *, stuck_ms: int = STUCK_MS) -> End:
    """Give every block of the recording to `take`; whatever `take` raises ends the decoding and is
    raised."""
    _prepare()
    before = qInstallMessageHandler(_ignored)
    try:
        run = _Run(data, take, stuck_ms)
        try:
            return run.to_the_end()
        finally:
            run.close()
    finally:
        qInstallMessageHandler(before)


class _Run:
    """One decoding: an event loop that ends with the recording, an error, or no progress."""

    def __init__(self, data: bytes, take: Take, stuck_ms: int) -> None:
        self._take = take
        self._raised: Exception | None = None
        self._ended = self._failed = self._stuck = False
        self._duration_ms = 0
        self._buffer = QBuffer()
        self._buffer.setData(QByteArray(data))
        self._buffer.open(QIODevice.OpenModeFlag.ReadOnly)
        self._loop = QEventLoop()
        self._watchdog = QTimer(interval=stuck_ms, singleShot=True)
        self._decoder = QAudioDecoder()
        self._watchdog.timeout.connect(self._give_up)
        self._decoder.bufferReady.connect(self._read)
        self._decoder.finished.connect(self._end)
        self._decoder.error.connect(self._fail)

    def to_the_end(self) -> End:
        self._decoder.setSourceDevice(self._buffer)
        self._watchdog.start()
        self._decoder.start()
        if not self._ended:  # an unreadable header is reported from within start()
            self._loop.exec()
        self._read()
        if self._raised is not None:
            raise self._raised
        return End(self._duration_ms, self._failed, self._stuck)

    def close(self) -> None:
        """Let go of the decoder before the memory that its thread reads."""
        self._watchdog.stop()
        self._decoder.stop()
        Shiboken.delete(self._decoder)
        self._buffer.close()

    def _read(self) -> None:
        try:
            while self._raised is None and self._decoder.bufferAvailable():
                block = self._decoder.read()
                if block.isValid():
                    self._watchdog.start()
                    self._duration_ms = max(self._duration_ms, self._decoder.duration())
                    self._take(_samples(block), block.format().sampleRate())
        except Exception as problem:  # noqa: BLE001  an exception must not be lost in a Qt slot
            self._raised = problem
            self._end()

    def _end(self) -> None:
        self._ended = True
        self._loop.quit()

    def _fail(self, _error: object) -> None:
        self._failed = True
        self._end()

    def _give_up(self) -> None:
        self._stuck = True
        self._end()


def _samples(block: QAudioBuffer) -> NDArray[np.float32]:
    """Return the block's samples as float32 [frames, channels] from -1 to 1."""
    kinds = {
        QAudioFormat.SampleFormat.UInt8: (np.uint8, 128.0, 128.0),
        QAudioFormat.SampleFormat.Int16: (np.int16, 0.0, 32768.0),
        QAudioFormat.SampleFormat.Int32: (np.int32, 0.0, 2147483648.0),
        QAudioFormat.SampleFormat.Float: (np.float32, 0.0, 1.0),
    }
    layout = block.format()
    kind, middle, full = kinds[layout.sampleFormat()]
    # constData() is a view of memory that Qt frees: it is copied before this returns
    raw = np.frombuffer(block.constData(), dtype=kind)
    values: NDArray[np.float32] = (raw.astype(np.float32) - np.float32(middle)) / np.float32(full)
    return values.reshape(-1, layout.channelCount())


def _ignored(_kind: QtMsgType, _context: QMessageLogContext, _text: str) -> None:
    """Drop Qt's remarks on damaged files."""


def _prepare() -> None:
    global _application  # noqa: PLW0603  Qt wants one application object that outlives its use
    if QCoreApplication.instance() is None:
        _application = QCoreApplication([])
