"""Write and read the ZIP archive of a bug report bundle, as bytes. An archive that is not exactly a bundle is
refused, because it may be malicious, and nothing is unpacked to the disk.
"""

import json
import re
import stat
import struct
import zipfile
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any, NamedTuple

from app.protocol.envelope import MAX_STATE_DEPTH, BadFrame, parse_json
from app.protocol.errors import Invalid, TooLarge

FORMAT = 1
"""The version of the format that this program writes, and the newest one that it reads."""
MANIFEST, RECORDING, STATE = "bundle.json", "recording.session.jsonl", "state.json"
SETTINGS, LINT, EVENTS = "settings.json", "lint.json", "events/"
SUFFIX = ".zip"
MAX_BYTES = 128 * 1024 * 1024
"""Maximum size of an archive."""
MAX_RECORDING_BYTES = 256 * 1024 * 1024
MAX_PART_BYTES = 16 * 1024 * 1024
MAX_EVENT_BYTES = 1024 * 1024
"""Maximum size of the recording, of another file, and of an event file, when it is unpacked."""
MAX_PARTS_BYTES = 32 * 1024 * 1024
"""Maximum size of all files but the recording together. JSON may need 20 times more memory as Python objects."""
MAX_FILES = 600
MAX_DIRECTORY_BYTES = 256 * MAX_FILES
"""Maximum size of the list of files at the end of the archive. It is checked before the list is read."""
MAX_RATIO = 1000
"""A large file is refused if unpacking makes it more than this many times larger."""
RATIO_FROM_BYTES = 1024 * 1024

_END = struct.Struct("<4s8xI4xH")
"""The end of an archive without a comment: signature, size of the list of files, size of the comment."""
_END_SIGNATURE, _ZIP64_SIGNATURE, _ZIP64_BYTES = b"PK\x05\x06", b"PK\x06\x07", 20
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_EVENT_FILE = re.compile(r"events/event-[0-9]{1,4}\.json")
_REQUIRED = (MANIFEST, RECORDING)
_KNOWN = (MANIFEST, RECORDING, STATE, SETTINGS, LINT)


class Bundle(NamedTuple):
    """The content of a bundle."""

    manifest: dict[str, Any]
    recording: str
    files: dict[str, Any]
    """The other files, as JSON values by name."""


def write_bundle(recording: bytes, files: Mapping[str, Any]) -> bytes:
    """Return the archive with a recording and other files as JSON values by name, the manifest among them.

    Raises ``TooLarge`` if ``read_bundle`` would refuse it.
    """
    written = BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, content in files.items():
            archive.writestr(name, as_json(content))
        archive.writestr(RECORDING, recording)
        _check_names(archive.infolist())
    content = written.getvalue()
    _check_bytes(content)
    return content


def as_json(content: Any) -> bytes:
    """Return a JSON value as the files of a bundle contain it."""
    return json.dumps(content, indent=1, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"


def is_archive(content: bytes) -> bool:
    """Return whether a file begins like a ZIP archive."""
    return content.startswith(b"PK\x03\x04")


def read_bundle(content: bytes) -> Bundle:
    """Return the content of an archive. Raises ``Invalid`` and ``TooLarge``."""
    _check_bytes(content)
    _check_end(content)
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            entries = archive.infolist()
            _check_names(entries)
            found = {each.filename: _unpacked(archive, each) for each in entries if not each.is_dir()}
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, RuntimeError):
        raise _invalid("it is damaged, or not a ZIP archive") from None
    except Exception as error:  # zlib.error, and what other decompressors raise
        if isinstance(error, Invalid | TooLarge):
            raise
        raise _invalid("it is damaged") from None
    return _parsed(found)


def _check_bytes(content: bytes) -> None:
    if len(content) > MAX_BYTES:
        raise TooLarge(f"The archive has more than {MAX_BYTES // 1024 // 1024} MB.")


def _check_end(content: bytes) -> None:
    """Check the size of the list of files. ``zipfile`` reads the whole list, whatever its size is."""
    if len(content) < _END.size:
        raise _invalid("it is damaged, or not a ZIP archive")
    signature, directory_bytes, comment_bytes = _END.unpack_from(content, len(content) - _END.size)
    if signature != _END_SIGNATURE or comment_bytes:
        raise _invalid("it is damaged, or not a ZIP archive")
    before = content[-_END.size - _ZIP64_BYTES : -_END.size]
    if directory_bytes > MAX_DIRECTORY_BYTES or before.startswith(_ZIP64_SIGNATURE):
        raise _invalid(f"it has more than {MAX_FILES} files")


def _check_names(entries: Iterable[zipfile.ZipInfo]) -> None:
    seen: set[str] = set()
    parts_bytes = 0
    for number, each in enumerate(entries, 1):
        name = each.orig_filename  # unlike filename, it is not cut at NUL
        if number > MAX_FILES:
            raise _invalid(f"it has more than {MAX_FILES} files")
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            raise _invalid(f"the path {_shown(name)} leads out of its folder")
        if name.casefold() in seen:
            raise _invalid(f"it contains {_shown(name)} twice")
        seen.add(name.casefold())
        kind = stat.S_IFMT(each.external_attr >> 16)
        if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise _invalid(f"{_shown(name)} is a link or another special file")
        if each.flag_bits & 1:
            raise _invalid(f"{_shown(name)} is encrypted")
        if each.compress_type not in _COMPRESSIONS:
            raise _invalid(f"{_shown(name)} is compressed with another method than deflate")
        if name not in _KNOWN and name != EVENTS and not _EVENT_FILE.fullmatch(name):
            raise _invalid(f"it contains the unknown file {_shown(name)}")
        _check_size(each)
        parts_bytes += each.file_size if name != RECORDING else 0
    if parts_bytes > MAX_PARTS_BYTES:
        raise TooLarge(
            f"The files beside {RECORDING} have more than {MAX_PARTS_BYTES // 1024 // 1024} MB when they are "
            "unpacked, the maximum."
        )
    if missing := [name for name in _REQUIRED if name not in seen]:
        raise _invalid(f"{missing[0]} is missing")


def _check_size(entry: zipfile.ZipInfo) -> None:
    if entry.file_size > _limit(entry.filename):
        raise _too_large(entry.filename)
    if entry.file_size > max(RATIO_FROM_BYTES, MAX_RATIO * entry.compress_size):
        raise TooLarge(
            f"{_shown(entry.filename)} becomes over {MAX_RATIO} times larger when it is unpacked: too much."
        )


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    limit = _limit(entry.filename)
    with archive.open(entry) as stream:  # the size that the archive declares may be wrong
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise _too_large(entry.filename)
    return content


def _limit(name: str) -> int:
    if name == RECORDING:
        return MAX_RECORDING_BYTES
    return MAX_EVENT_BYTES if name.startswith(EVENTS) else MAX_PART_BYTES


def _parsed(found: Mapping[str, bytes]) -> Bundle:
    files: dict[str, Any] = {}
    for name, content in found.items():
        if name == RECORDING:
            continue
        try:
            files[name] = json.loads(content)
        except (ValueError, RecursionError):
            raise _invalid(f"{name} is not JSON") from None
        if not isinstance(files[name], dict):
            raise _invalid(f"{name} must contain an object")
    manifest = files.pop(MANIFEST)
    version = manifest.get("bundle")
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _invalid(f'{MANIFEST} needs "bundle": {FORMAT}')
    if version > FORMAT:
        raise Invalid(
            f"The bundle has format version {version}, and this program reads version {FORMAT}. Update the program."
        )
    try:
        recording = found[RECORDING].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _invalid(f"{RECORDING} is not text in UTF-8") from None
    if not _is_recording(recording):
        raise _invalid(f'the first line of {RECORDING} needs "kind": "recording"')
    return Bundle(manifest, recording, files)


def _is_recording(text: str) -> bool:
    """Return whether the header is that of a recording. Other sessions would change the chats of the user."""
    try:
        header = parse_json(text.partition("\n")[0], MAX_STATE_DEPTH)
    except BadFrame:
        return False
    return isinstance(header, dict) and header.get("kind") == "recording"


def _invalid(why: str) -> Invalid:
    return Invalid(f"This is not a bug report bundle: {why}. Use a file that companion session bundle has written.")


def _too_large(name: str) -> TooLarge:
    return TooLarge(f"{_shown(name)} of the bundle has more than {_limit(name) // 1024 // 1024} MB, the maximum.")


def _shown(name: str) -> str:
    return repr(name[:80])
