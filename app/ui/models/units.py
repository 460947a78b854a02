"""Format sizes in bytes and durations for the window, such as ``1.5 KiB`` and ``3 min``."""


def amount(size: int) -> str:
    """Return a size in bytes as ``512 B``, ``1.5 KiB`` or ``3.2 MiB``."""
    if size < 1024:
        return f"{size} B"
    if size < 1024 * 1024:
        return f"{size / 1024:.1f} KiB"
    return f"{size / 1024 / 1024:.1f} MiB"


def ago(seconds: float) -> str:
    """Return a duration in seconds as ``8 s``, ``3 min`` or ``2 h 5 min``."""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
