"""Asks what is known about recordings before they are imported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from app.counts import counted
from app.domain import CallMetadata, Role
from app.ui.widgets import button, label

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CHANNELS: tuple[tuple[str, tuple[Role, ...]], ...] = (
    ("Find out from what is said", ()),
    ("Agent left, customer right", (Role.AGENT, Role.CUSTOMER)),
    ("Customer left, agent right", (Role.CUSTOMER, Role.AGENT)),
)


def described(paths: Sequence[Path], folders: int) -> str:
    """Return what is about to be imported."""
    files = len(paths) - folders
    parts = []
    if files:
        parts.append(counted(files, "recording"))
    if folders:
        parts.append(f"{counted(folders, 'folder')} with everything below")
    return " and ".join(parts)


class ImportDialog(QDialog):
    """Takes files and folders and what is the same for all of them."""

    def __init__(self, parent: QWidget, paths: Sequence[Path] = ()) -> None:
        """Offer to import `paths`; more can be added."""
        super().__init__(parent)
        self.setWindowTitle("Import recordings")
        self.setMinimumWidth(520)
        self.paths: list[Path] = []
        self._what = label("", "heading", wrap=True)
        self._files = button("Add files…", self._add_files)
        self._folder = button("Add a folder…", self._add_folder)
        self.channels = QComboBox()
        self.channels.setAccessibleName("Who speaks on which channel")
        for text, roles in CHANNELS:
            self.channels.addItem(text, roles)
        self.agent = QLineEdit(placeholderText="As the recordings say, or nobody")
        self.agent.setAccessibleName("Agent")
        self.queue = QLineEdit(placeholderText="As the recordings say, or none")
        self.queue.setAccessibleName("Queue")
        self.start = button("Import", self.accept, "primary")
        self.start.setDefault(True)
        self._build()
        self.add(paths)

    def metadata(self) -> CallMetadata:
        """Return what was said about all the recordings."""
        return CallMetadata(
            agent=self.agent.text().strip() or None,
            queue=self.queue.text().strip() or None,
            channel_roles=tuple(CHANNELS[self.channels.currentIndex()][1]),
        )

    def add(self, paths: Sequence[Path]) -> None:
        """Add files and folders that are not there yet."""
        self.paths += [path for path in paths if path not in self.paths]
        folders = sum(path.is_dir() for path in self.paths)
        self._what.setText(described(self.paths, folders) or "Choose recordings or folders.")
        self.start.setEnabled(bool(self.paths))

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 20, 24, 20)
        whole.setSpacing(14)
        head = QHBoxLayout()
        head.addWidget(self._what, 1)
        head.addWidget(self._files)
        head.addWidget(self._folder)
        whole.addLayout(head)
        form = QFormLayout()
        form.setVerticalSpacing(10)
        form.setHorizontalSpacing(14)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        for text, field in (
            ("Channels of stereo recordings", self.channels),
            ("Agent", self.agent),
            ("Queue", self.queue),
        ):
            form.addRow(label(text, "quiet"), field)
        whole.addLayout(form)
        hint = (
            "A file calls.csv in their folder says this and more for each recording. Recordings are"
            " copied into the vault and sealed; the files themselves stay where they are."
        )
        whole.addWidget(label(hint, "quiet", wrap=True))
        ends = QHBoxLayout()
        ends.addStretch(1)
        ends.addWidget(button("Cancel", self.reject))
        ends.addWidget(self.start)
        whole.addLayout(ends)

    def _add_files(self) -> None:
        from pathlib import Path

        names, _ = QFileDialog.getOpenFileNames(self, "Recordings to import")
        self.add([Path(name) for name in names])

    def _add_folder(self) -> None:
        from pathlib import Path

        name = QFileDialog.getExistingDirectory(self, "Folder of recordings to import")
        if name:
            self.add([Path(name)])
