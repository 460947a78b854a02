"""Enough file descriptors for a thousand clients and their server."""

FILES = 16_384


def allow_many_files() -> None:
    """Raise the limit of open files of this process and of what it starts."""
    import resource  # not on Windows, where the harness does not run but its tests are collected

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
