"""A program that takes the samples through the real pipeline and prints what came out.

One JSON object per call: `file`, `raw` (the turns before redaction, which only the samples'
invented people allow) and `analysis`. A process of its own, as in the product: the decoder's event
loop must not meet that of the window tests.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from app.config import Settings
from app.domain import CallMetadata
from app.engine import pipeline
from app.engine.wire import Request
from app.workspace.intake import read_metadata

if TYPE_CHECKING:
    from app.engine.transcription import RawTranscript

RESOURCES = Path(__file__).resolve().parent.parent / "resources"


def main() -> None:
    """Analyse every sample with what calls.csv says of it."""
    samples = RESOURCES / "samples"
    passing: list[RawTranscript] = []
    assign_roles = pipeline.assign_roles

    def noting(*arguments: object, **options: object) -> RawTranscript:
        passing.append(assign_roles(*arguments, **options))  # type: ignore[arg-type]
        return passing[-1]

    pipeline.assign_roles = noting
    stages = pipeline.Pipeline(RESOURCES, None, threads=int(sys.argv[1]))
    for file, metadata in read_metadata(samples / "calls.csv", CallMetadata()).items():
        request = Request(
            content="audio",
            payload=(samples / file).read_bytes(),
            settings=Settings(),
            metadata=metadata,
        )
        done = stages.analyse(request, lambda _stage, _done: None)
        result = {"file": file, "raw": passing[-1], "analysis": done.analysis}
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
