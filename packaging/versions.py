"""Version resource of the Windows programs, which Explorer and the task manager show."""

import re
from typing import Any


def four(version: str) -> tuple[int, int, int, int]:
    """Return ``1.2.3rc1`` as ``(1, 2, 3, 0)``. Raise ``ValueError`` if the text does not begin with a number."""
    found = re.match(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?", version)
    if not found:
        raise ValueError(f"{version!r} is not a version")
    return int(found[1]), int(found[2] or 0), int(found[3] or 0), 0


def version_info(version: str, name: str) -> Any:
    """Return the version resource of the program ``name`` for PyInstaller. Windows only."""
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
