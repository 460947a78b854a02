"""Raise the limit of open files, for a thousand clients and their server."""

FILES = 16_384


def allow_many_files() -> None:
    """Raise the limit of open files of this process and its child processes."""
    import resource  # missing on Windows, where pytest imports this module but skips the tests

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
