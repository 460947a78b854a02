"""Raise the limit of open file descriptors, because every connection needs one."""

WANTED = (65_536, 10_240, 4_096)
"""Limits to try, the highest first. macOS rejects more than 10,240 even if the hard limit is *unlimited*."""


def raise_descriptor_limit() -> None:
    """Raise the soft limit of open descriptors to 65,536, or to the hard limit if that is lower.

    On macOS, a program that is started from the Finder or at login may open only 256, too few for many clients.
    """
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in WANTED:
        limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft == resource.RLIM_INFINITY or soft >= limit:
            return
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        except (ValueError, OSError):  # more than the system allows
            continue
        return
