"""The version as Windows writes it into a program: shown in its properties, and by the task manager."""

import re
from typing import Any


def four(version: str) -> tuple[int, int, int, int]:
    """Return ``1.2.3rc1`` as ``(1, 2, 3, 0)``. Raises ``ValueError`` for what does not begin with numbers."""
    found = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", version)
    if not found:
        raise ValueError(f"{version!r} is no version")
    return int(found[1]), int(found[2] or 0), int(found[3] or 0), 0


def version_info(version: str, name: str) -> Any:
    """Return PyInstaller's version resource for the program ``name``; on Windows only."""
    from PyInstaller.utils.win32.versioninfo import (
        FixedFileInfo,
        StringFileInfo,
        StringStruct,
        StringTable,
        VarFileInfo,
        VarStruct,
        VSVersionInfo,
    )

    texts = {
        "CompanyName": "P2P Chat",
        "FileDescription": "P2P Chat Companion",
        "FileVersion": version,
        "InternalName": name,
        "LegalCopyright": "MIT licence",
        "OriginalFilename": f"{name}.exe",
        "ProductName": "P2P Chat Companion",
        "ProductVersion": version,
    }
    english = StringTable("040904B0", [StringStruct(key, text) for key, text in texts.items()])
    return VSVersionInfo(
        ffi=FixedFileInfo(filevers=four(version), prodvers=four(version)),
        kids=[StringFileInfo([english]), VarFileInfo([VarStruct("Translation", [0x0409, 0x04B0])])],
    )
