"""Reading bundles: what is not exactly a bundle is refused with a sentence, and nothing is unpacked to the disk."""

import json
import random
import stat
import warnings
import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest

from app.protocol.bundle import archive
from app.protocol.bundle.archive import Bundle, read_bundle, write_bundle
from app.protocol.bundle.preview import preview_text
from app.protocol.errors import Invalid, TooLarge

RECORDING = '{"session": 1, "kind": "recording"}\n'
MANIFEST = {"bundle": 1}

Add = Callable[[zipfile.ZipFile], object]


def zipped(*add: Add, manifest: object = MANIFEST, recording: bytes = RECORDING.encode()) -> bytes:
    written = BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as found:
        warnings.simplefilter("ignore")  # a duplicate name
        found.writestr(archive.MANIFEST, json.dumps(manifest))
        found.writestr(archive.RECORDING, recording)
        for each in add:
            each(found)
    return written.getvalue()


def file(name: str, content: bytes = b"{}") -> Add:
    return lambda found: found.writestr(name, content)


def compressed(method: int) -> Add:
    return lambda found: found.writestr(archive.STATE, b"{}", method)


def directory(entries: int, after: bytes = b"") -> bytes:
    """Return an archive whose list has this many entries of the same file."""
    content = zipped()
    start = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry = content[start : content.index(b"PK\x01\x02", start + 4)]
    listed = content[start:end] + entry * entries
    size = (len(listed)).to_bytes(4, "little")
    return content[:start] + listed + after + content[end : end + 12] + size + content[end + 16 :]


def large(name: str, size: int) -> Add:
    """Add a file of JSON that is not compressed more than is allowed."""
    noise = "".join(random.Random(1).choices("abcdefgh", k=size // 200))
    return file(name, json.dumps({"noise": noise}).encode() + b" " * size)


def special(mode: int) -> Add:
    entry = zipfile.ZipInfo(archive.STATE)
    entry.external_attr = (mode | 0o777) << 16
    return lambda found: found.writestr(entry, "/etc/passwd")


def test_what_is_written_is_read() -> None:
    files = {archive.MANIFEST: MANIFEST, archive.STATE: {"text": "\u202e\x00 \ud800"}, "events/event-1.json": {}}
    found = read_bundle(write_bundle(RECORDING.encode(), files))
    assert found.manifest == MANIFEST
    assert found.recording == RECORDING
    assert found.files == {name: each for name, each in files.items() if name != archive.MANIFEST}


REFUSED = {
    "a path that leaves the folder": (zipped(file("../x.json")), "leads out"),
    "an absolute path": (zipped(file("/etc/x")), "leads out"),
    "a path of Windows": (zipped(file("..\\x")), "leads out"),
    "a drive": (zipped(file("C:x")), "leads out"),
    "a link": (zipped(special(stat.S_IFLNK)), "is a link"),
    "a device": (zipped(special(stat.S_IFCHR)), "is a link or another special file"),
    "a name twice": (zipped(file(archive.STATE), file(archive.STATE)), "twice"),
    "a name twice in another case": (zipped(file(archive.STATE), file("State.json")), "twice"),
    "an unknown file": (zipped(file("run.sh")), "unknown file 'run.sh'"),
    "many files": (zipped(*(file(f"events/event-{each}.json") for each in range(700))), "more than 600 files"),
    "no recording": (zipped(file("x"))[:40], "not a ZIP archive"),
    "a name that is cut at NUL": (zipped(file("state.json!/../../x")).replace(b"n!/", b"n\0/"), "leads out"),
    "another compression": (zipped(compressed(zipfile.ZIP_LZMA)), "another method than deflate"),
    "a long list of files": (directory(10_000), "more than 600 files"),
    "a second end for large archives": (directory(0, b"PK\x06\x07" + bytes(16)), "more than 600 files"),
    "text": (b"hello", "not a ZIP archive"),
    "nothing": (b"", "not a ZIP archive"),
    "no JSON": (zipped(file(archive.STATE, b"{")), "state.json is not JSON"),
    "a list": (zipped(file(archive.STATE, b"[]")), "state.json must contain an object"),
    "deep nesting": (zipped(file(archive.STATE, b"[" * 100_000)), "state.json is not JSON"),
    "no version": (zipped(manifest={}), 'bundle.json needs "bundle": 1'),
    "a version of another type": (zipped(manifest={"bundle": True}), 'bundle.json needs "bundle": 1'),
    "a newer version": (zipped(manifest={"bundle": 2}), "has format version 2"),
    "a scenario": (zipped(recording=b'{"session": 1, "kind": "scenario"}\n'), 'needs "kind": "recording"'),
    "no kind": (zipped(recording=b'{"session": 1}\n'), 'needs "kind": "recording"'),
    "no header": (zipped(recording=b"[]\n"), 'needs "kind": "recording"'),
    "no UTF-8": (zipped(recording=b"\xff"), "not text in UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_a_bundle_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(Invalid, match=reason.replace(".", r"\.")):
        read_bundle(content)


def test_an_archive_without_a_recording_is_refused() -> None:
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as found:
        found.writestr(archive.MANIFEST, json.dumps(MANIFEST))
    with pytest.raises(Invalid, match=r"recording\.session\.jsonl is missing"):
        read_bundle(written.getvalue())


def test_an_archive_that_grows_too_much_is_refused() -> None:
    with pytest.raises(TooLarge, match=r"over 1000 times larger|more than 16 MB"):
        read_bundle(zipped(file(archive.STATE, b" " * (archive.MAX_PART_BYTES + 1))))
    with pytest.raises(TooLarge, match="over 1000 times larger"):
        read_bundle(zipped(file(archive.STATE, b" " * (8 * 1024 * 1024))))


def test_the_files_of_an_archive_are_limited_together() -> None:
    """Each of 600 files could grow to 360 MB of Python objects."""
    with pytest.raises(TooLarge, match=r"event-1\.json' of the bundle has more than 1 MB"):
        read_bundle(zipped(large("events/event-1.json", archive.MAX_EVENT_BYTES)))
    files = [large(f"events/event-{number}.json", 1_000_000) for number in range(40)]
    with pytest.raises(TooLarge, match="more than 32 MB when they are unpacked"):
        read_bundle(zipped(*files))


def test_what_could_not_be_read_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {archive.MANIFEST: MANIFEST, archive.STATE: {"text": random.Random(1).randbytes(1000).hex()}}
    for limit, reason in (("MAX_PART_BYTES", r"state\.json"), ("MAX_BYTES", "The archive has more than")):
        with monkeypatch.context() as change:
            change.setattr(archive, limit, 1000)
            with pytest.raises(TooLarge, match=reason):
                write_bundle(RECORDING.encode(), files)


def test_an_archive_that_lies_about_the_size_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_PART_BYTES", 1000)
    content = zipped(file(archive.STATE, b" " * 5000))
    lied = content.replace((5000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert lied != content
    with pytest.raises((Invalid, TooLarge)):
        read_bundle(lied)


def test_a_damaged_archive_is_refused() -> None:
    content = bytearray(zipped(file(archive.STATE, b'{"a": "' + bytes(range(97, 123)) * 40 + b'"}')))
    reasons = set()
    for position in range(30, len(content) - 120, 7):
        damaged = bytes(content[:position]) + bytes([content[position] ^ 0xFF]) + bytes(content[position + 1 :])
        try:
            read_bundle(damaged)
        except (Invalid, TooLarge) as error:
            reasons.add(str(error))
    assert any("it is damaged, or not a ZIP archive. Use a file that" in each for each in reasons)


@pytest.mark.parametrize(
    ("lines", "heading"), [(0, "first 0 lines"), (1, "first 1 line"), (2, "first 2 lines"), (3, "first 2 lines")]
)
def test_a_preview_counts_the_lines_that_it_shows(lines: int, heading: str) -> None:
    text = preview_text(Bundle(MANIFEST, RECORDING + '{"at": 1}\n' * lines, {}), 2)
    assert f"The {heading} of the recording" in text
    assert text.count('{"at": 1}') == min(lines, 2)
