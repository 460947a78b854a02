"""Layout of the macOS disk image for ``dmgbuild -s``: the app, and the folder to drag it to.

dmgbuild runs this file and reads its variables. ``defines`` contains the values of ``-D``.
"""

from pathlib import Path
from typing import Any

defines: dict[str, Any] = globals().get("defines", {})

app = defines.get("app", "P2P Chat Companion.app")
appname = Path(app).name
files = [app]
symlinks = {"Applications": "/Applications"}
icon = defines.get("icon")
format = "UDZO"
window_rect = ((200, 160), (560, 340))
icon_size = 112
icon_locations = {appname: (150, 150), "Applications": (410, 150)}
show_status_bar = show_tab_view = show_toolbar = show_pathbar = show_sidebar = False
