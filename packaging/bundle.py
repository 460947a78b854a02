"""Rules for the content of the bundle: which files are left out, and which libraries must be present."""

import re
import sys
from collections.abc import Collection, Iterable
from fnmatch import fnmatch
from pathlib import Path, PurePath

UNUSED = (
    # Qt's translations would only translate Qt's own file dialogs.
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
    # Files of package installers. About reads only METADATA and the licences.
    "*.dist-info/RECORD",
    "*.dist-info/sboms/*",
    "*.dist-info/INSTALLER",
    "*.dist-info/REQUESTED",
    "*.dist-info/direct_url.json",
)  # fmt: skip
"""Patterns of paths in the bundle that are left out. ``*`` matches slashes too."""

FROM_THE_SYSTEM = (
    # The system's graphics drivers and input methods are loaded into the same process and may need newer versions
    # of these than the system has on which the bundle was built.
    "stdc++", "gcc_s", "X11", "X11-xcb", "Xau", "Xdmcp", "Xext", "Xrender", "bsd", "md",
    "fontconfig", "freetype", "expat", "png16", "brotlicommon", "brotlidec", "graphite2", "z",
    "glib-2.0", "gio-2.0", "gobject-2.0", "gmodule-2.0", "gthread-2.0", "pcre2-8", "mount", "blkid", "selinux",
    "dbus-1", "systemd", "cap", "gcrypt", "gpg-error", "lz4", "zstd",
)  # fmt: skip
"""Libraries (``lib….so.N``) of the system: every Linux desktop has them, or the .deb depends on them."""

PROVIDERS = "faker.providers."

SERVER_MB = 40
"""Maximum size of the archive with ``serve`` without the window, in megabytes. Unpacked, it has about 50 MB."""
NOT_IN_SERVER = (
    # the window and its libraries
    "PySide6",
    "shiboken6",
    "qasync",
    "app.ui",
    "app.loop",
    "app.desktop",
    # Linux keyrings need a desktop session; without one, the token is in a file.
    "SecretStorage",
    "secretstorage",
    "jeepney",
    "cryptography",
    # for reading PNG files, for debugging and for interactive programs
    "PIL",
    "_testcapi",
    "_ctypes_test",
    "pygments",
)
"""Modules and packages that the bundle of ``serve`` does not contain."""
NOT_IN_SERVER_FILES = ("resources/icons/*", "resources/help/pictures/*", "resources/*.qss")
"""Files that only the window shows."""


def unused(name: str) -> bool:
    """Return whether a file is left out of the bundle."""
    inside = PurePath(name).as_posix().replace("\\", "/")
    if found := re.fullmatch(r"lib(.+?)\.so\.[\d.]+", inside):
        return found[1] in FROM_THE_SYSTEM
    return any(fnmatch(f"/{inside}", pattern) for pattern in UNUSED)


def unused_in_server(name: str) -> bool:
    """Return whether a module or file is left out of the bundle of ``serve``."""
    path = PurePath(name).as_posix().replace("\\", "/")
    module = path.removesuffix(".py").replace("/", ".")
    return any(module == each or module.startswith(f"{each}.") for each in NOT_IN_SERVER) or any(
        fnmatch(path, pattern) for pattern in NOT_IN_SERVER_FILES
    )


def server_requirements(requirements: Iterable[str]) -> list[str]:
    """Return those requirements of the program (``name>=1,<2; marker``) that ``serve`` needs."""
    return [each for each in requirements if not each.startswith(NOT_IN_SERVER)]


def used_faker_modules() -> frozenset[str]:
    """Return the modules of faker that the templates ``{{faker.…}}`` need, in one of about 70 languages.

    They are found by using faker: the fallback of a missing language differs between providers.
    """
    from faker import Faker

    from app.protocol.templates import FAKER

    faker = Faker("en_US")
    for name in FAKER:
        faker.format(name)
    return frozenset(name for name in sys.modules if name.startswith(PROVIDERS))


def unused_faker_module(name: str, in_use: Collection[str]) -> bool:
    """Return whether a module or file of the bundle is a faker provider that is not ``in_use``."""
    path = PurePath(name).as_posix().replace("\\", "/").removesuffix(".py").removesuffix("/__init__")
    module = path.replace("/", ".")
    return module.startswith(PROVIDERS) and module not in in_use


def missing_libraries(log: str) -> list[str]:
    """Return the lines of PyInstaller's log about libraries that Qt's plugins need and this system lacks.

    Without those of xcb, the bundle aborts at start: *could not load the Qt platform plugin "xcb"*.
    """
    return [
        line
        for line in log.splitlines()
        if re.search(r"Library not found|Library .*could not (?:be )?(?:resolved?|found)", line, re.I)
        and re.search(r"xcb|xkb|libX11|ibEGL|ibwayland", line)
    ]


def broken_links(links: Iterable[Path]) -> list[Path]:
    """Return the symbolic links whose target does not exist, because it was left out."""
    return [link for link in links if link.is_symlink() and not link.exists()]
