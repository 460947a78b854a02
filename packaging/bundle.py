"""What goes into the bundle and what does not: rules for ``companion.spec`` and checks for ``build.py``."""

import re
import sys
from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from pathlib import Path, PurePath

UNUSED = (
    # The window's texts are the program's own: Qt's translations would only translate Qt's file dialogs.
    "*/translations/*",
    # Widgets on X11, Wayland, Windows and macOS: no QML, no PDF, no 3D, no bare framebuffers.
    "*/plugins/egldeviceintegrations/*",
    "*/plugins/generic/*",
    "*/plugins/networkinformation/*",
    "*/plugins/tls/*",
    "*/plugins/platformthemes/libqgtk3.so",
    "*/plugins/platforminputcontexts/*qtvirtualkeyboard*",
    *(f"*/plugins/platforms/*{name}.*"
      for name in ("eglfs", "linuxfb", "vnc", "minimal", "minimalegl", "vkkhrdisplay")),
    *(f"*/plugins/imageformats/*q{name}.*" for name in ("gif", "jpeg", "pdf", "tga", "tiff", "wbmp", "webp")),
    "*/opengl32sw.dll",
    *(
        f"*{prefix}{name}{ending}"
        for name in ("Qml", "QmlMeta", "QmlModels", "QmlWorkerScript", "Quick", "Pdf", "VirtualKeyboard",
                     "VirtualKeyboardQml", "EglFSDeviceIntegration", "EglFsKmsSupport", "EglFsKmsGbmSupport")
        for prefix, ending in (("libQt6", ".so.6"), ("Qt6", ".dll"), ("Qt", ".framework/*"))
    ),
    # What installers note for themselves: About reads METADATA and the licences.
    "*.dist-info/RECORD",
    "*.dist-info/sboms/*",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
)  # fmt: skip
"""Names inside the bundle, as patterns. ``*`` stands for slashes too."""

FROM_THE_SYSTEM = (
    # The system's graphics drivers and input methods are loaded into the same process and want these as new as
    # they are themselves; the bundle's would be as old as the system that it was built on.
    "stdc++", "gcc_s", "X11", "X11-xcb", "Xau", "Xdmcp", "Xext", "Xrender", "bsd", "md",
    "fontconfig", "freetype", "expat", "png16", "brotlicommon", "brotlidec", "graphite2", "z",
    "glib-2.0", "gio-2.0", "gobject-2.0", "gmodule-2.0", "gthread-2.0", "pcre2-8", "mount", "blkid", "selinux",
    "dbus-1", "systemd", "cap", "gcrypt", "gpg-error", "lz4", "zstd",
)  # fmt: skip
"""Libraries (``lib….so.N``) that every Linux desktop has, and that the .deb depends on, or they on each other."""

PROVIDERS = "faker.providers."


def unused(name: str) -> bool:
    """Return whether the program runs without this file of the bundle."""
    inside = PurePath(name).as_posix().replace("\\", "/")
    if found := re.fullmatch(r"lib(.+?)\.so\.[\d.]+", inside):
        return found[1] in FROM_THE_SYSTEM
    return any(fnmatch(f"/{inside}", pattern) for pattern in UNUSED)


def words_in_use() -> frozenset[str]:
    """Return the modules of faker that the program's ``{{faker.…}}`` needs: one language of some seventy.

    Asked of faker itself: which module stands in where a language is missing differs from provider to provider.
    """
    from faker import Faker

    from app.protocol.templates import FAKER

    faker = Faker("en_US")
    for what in FAKER:
        faker.format(what)
    return frozenset(name for name in sys.modules if name.startswith(PROVIDERS))


def foreign_words(name: str, in_use: Collection[str]) -> bool:
    """Return whether ``name``, a module or a file of the bundle, is one of faker's that is not ``in_use``."""
    path = PurePath(name).as_posix().replace("\\", "/").removesuffix(".py").removesuffix("/__init__")
    module = path.replace("/", ".")
    return module.startswith(PROVIDERS) and module not in in_use


def missing_libraries(log: str) -> list[str]:
    """Return PyInstaller's lines about libraries that Qt's own plugins need and this system lacks.

    Without one of those of xcb, the bundle dies at its start with *could not load the Qt platform plugin "xcb"*.
    """
    return [
        line
        for line in log.splitlines()
        if re.search(r"Library not found|Library .*could not (?:be )?(?:resolved?|found)", line, re.I)
        and re.search(r"xcb|xkb|libX11|ibEGL|ibwayland", line)
    ]


def dangling(links: Iterable[Path]) -> list[Path]:
    """Return the symbolic links that lead nowhere: what they led to was left out."""
    return [link for link in links if link.is_symlink() and not link.exists()]
