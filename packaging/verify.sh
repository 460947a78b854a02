#!/usr/bin/env bash
# Builds the Linux packages on Debian and proves them, and the Windows installer under wine. Run it as root on Debian 12;
# it installs the tools that it needs. Under 15 minutes. Pictures of what it saw: build/verify.
#
#   packaging/verify.sh [--bundle FOLDER]     FOLDER: a bundle that is already built
#
# 1. static checks (check.sh)            4. the .deb in a clean Debian: installed, run, purged, nothing left
# 2. build: bundle, .deb, .tar.gz        5. the .tar.gz and the AppImage there as an ordinary user
# 3. the bundle on two desktops          6. the Windows installer under wine
set -euo pipefail
exec </dev/null
cd "$(dirname "$0")/.."
((EUID == 0)) || { echo "run this as root: it installs packages and uses chroot" >&2; exit 2; }

bundle=
if [[ ${1-} == --bundle ]]; then bundle=$(realpath "$2"); fi
name=p2p-chat-companion
seen=build/verify
packages=build/packages
export DEBIAN_FRONTEND=noninteractive PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
export PIP_CONSTRAINT="$PWD/packaging/constraints.txt"
unset COMPANION_DATA_DIR COMPANION_TOKEN
mkdir -p "$seen"

root=$(mktemp -d)
screen=
clean_up() {
    [[ -z $screen ]] || kill "$screen" 2>/dev/null || :
    if mountpoint -q "$root/proc"; then umount "$root/proc"; fi
    rm -rf --one-file-system "$root"
}
trap clean_up EXIT

title() { printf '\n━━━ %s (after %s s)\n' "$*" "$SECONDS"; }
fail() { echo "✗ $*" >&2; exit 1; }

tools() {
    local readme more=(
        appstream binutils dbus desktop-file-utils fakeroot file git imagemagick libpython3-dev lintian mmdebstrap nsis
        openssl python3-venv shellcheck squashfs-tools trayer wine64 x11-utils xauth xdotool xfce4-panel xfconf xvfb
    )
    type -P npm >/dev/null || more+=(nodejs npm)
    readme=$(awk '/<!-- ci: apt -->/ {seen = 1} seen && /^apt-get / {print; exit}' README.md)
    apt-get -qq update
    bash -c "$readme" >"$seen/apt.log" 2>&1 || { tail -30 "$seen/apt.log"; return 1; }
    apt-get install -y --no-install-recommends "${more[@]}" >>"$seen/apt.log" 2>&1 ||
        { tail -30 "$seen/apt.log"; return 1; }
}

# The tests' own venv: not the bundle's, which holds nothing but what goes into it.
test_venv() {
    [[ -x .venv/bin/pytest ]] || { python3 -m venv .venv && .venv/bin/pip install -q -e '.[test]'; }
}

build() {
    if [[ -z $bundle ]]; then
        local python
        python=$("${PYTHON:-python3}" packaging/build_venv.py build/venv-bundle)
        "$python" packaging/build.py --out build/bundle
        bundle=$PWD/build/bundle/$name
    fi
    rm -rf "$packages"
    stand_in_runtime | dd bs=1024 count=1 conv=sync status=none >build/runtime
    # A proof need not be small.
    XZ_LEVEL=1 packaging/linux/build.sh --bundle "$bundle" --appimage-runtime build/runtime --out "$packages"
    lintian --allow-root --fail-on error,warning "$packages"/*.deb
    echo "lintian: no error, no warning"
}

# A stand-in for the AppImage runtime, which no package of Debian brings: it unpacks what follows it and starts AppRun, as the
# real one does where it may not mount. It proves what is inside, not the runtime.
stand_in_runtime() {
    cat <<'SH'
#!/bin/sh
APPIMAGE=$(readlink -f "$0")
export APPIMAGE
folder=$(mktemp -d)
tail -c +1025 "$APPIMAGE" >"$folder/payload"
unsquashfs -quiet -no-progress -dest "$folder/root" "$folder/payload" >/dev/null
exec "$folder/root/AppRun" "$@"
SH
}

# The same tests that a person's desktop is played with elsewhere, against the bundle: both kinds of tray, the panel before the
# program and after it, closing into the tray, the menu, a second start, SIGTERM.
desktops() {
    COMPANION_INSTALLED=$bundle/companion COMPANION_E2E=require .venv/bin/pytest -q \
        tests/e2e/test_desktop.py tests/e2e/test_quit_command.py \
        --deselect "tests/e2e/test_desktop.py::test_two_terminals_see_every_event_fired" # wscat's, not the bundle's
    cp tests/artifacts/fired-*.png tests/artifacts/tray-came-late-*.png "$seen/"
}

in_root() { chroot "$root" env -i PATH=/usr/bin:/bin:/usr/sbin:/sbin DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 "$@"; }
files() { in_root find / -xdev \( -path /proc -o -path /var/cache -o -path /var/log -o -path /var/lib/apt \
    -o -path /var/lib/dpkg -o -path /tmp -o -path /home \) -prune -o -print | LC_ALL=C sort; }
as_user=(setpriv --reuid=1000 --regid=1000 --clear-groups env -i HOME=/home/max PATH=/usr/bin:/bin LC_ALL=C.UTF-8)

prepare_root() {
    local sources=()
    for each in /etc/apt/sources.list /etc/apt/sources.list.d/*.sources; do
        if [[ -s $each ]]; then sources+=("$each"); fi
    done
    mmdebstrap --quiet --variant=apt "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" "$root" "${sources[@]}"
    cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/" # how this machine reaches its mirror
    cp /etc/resolv.conf "$root/etc/" 2>/dev/null || :
    mount -t proc proc "$root/proc"
    in_root useradd --create-home --uid 1000 max
    in_root apt-get -qq update
    chmod 1777 "$root/tmp"
    Xvfb -displayfd 3 -screen 0 1280x860x24 -noreset 3>"$seen/screen" 2>/dev/null &
    screen=$!
    for _ in {1..100}; do [[ -s $seen/screen ]] && break; sleep 0.1; done
    DISPLAY=:$(<"$seen/screen")
    export DISPLAY
    # Xvfb's socket lies in this system's /tmp; the chroot reaches the screen through the one that has no file.
}

# prove COMMAND…: as the user of the clean root, with a window on the virtual screen
prove() {
    .venv/bin/python packaging/prove.py --window --uid 1000 chroot "$root" "${as_user[@]}" DISPLAY="$DISPLAY" \
        "COMPANION_DATA_DIR=/tmp/prove-$RANDOM" "COMPANION_TOKEN=$(openssl rand -hex 16)" "$@"
}

clean_install() {
    files >"$seen/before"
    cp "$packages"/*.deb "$root/tmp/companion.deb"
    in_root apt-get install -y --no-install-recommends /tmp/companion.deb >"$seen/install.log" 2>&1 ||
        { tail -20 "$seen/install.log"; return 1; }
    echo "it brought along $(grep -c '^Setting up' "$seen/install.log") packages"
    prove companion
    picture
    in_root apt-get purge -y $name >"$seen/purge.log" 2>&1
    in_root apt-get autoremove --purge -y >>"$seen/purge.log" 2>&1
    files >"$seen/after"
    # What other packages leave behind is theirs: caches of fonts and icons, say.
    if comm -13 "$seen/before" "$seen/after" | grep -E "p2p|companion|/usr/(lib|bin)/"; then fail "purging left these"; fi
    if in_root dpkg -l $name 2>/dev/null | grep -q "^[a-z]"; then fail "dpkg still knows the package"; fi
    echo "purged: nothing of it is left"
}

# A look at the window of the installed program, for whoever reads build/verify
picture() {
    chroot "$root" "${as_user[@]}" DISPLAY="$DISPLAY" companion --port 0 --rest-port 0 --control-port 0 \
        --data-dir /tmp/picture --token-file /tmp/picture-token &
    local running=$! code=0
    chroot "$root" "${as_user[@]}" companion status --wait 20 --data-dir /tmp/picture
    sleep 1
    import -window root "$seen/installed.png"
    kill -TERM $running
    wait $running || code=$?
    ((code == 0)) || fail "SIGTERM ended the window's program with $code"
    echo "SIGTERM: ended with 0"
}

# What the .tar.gz and the AppImage cannot bring along is what the .deb depends on.
portable() {
    in_root apt-get install -y --no-install-recommends squashfs-tools /tmp/companion.deb >/dev/null 2>&1
    in_root dpkg --remove $name >/dev/null
    local folder=$root/home/max/unpacked
    mkdir "$folder"
    tar -C "$folder" --strip-components=1 -xzf "$packages"/*.tar.gz
    cp "$packages"/*.AppImage "$root/home/max/companion.AppImage"
    chown -R 1000:1000 "$root/home/max"
    chroot "$root" "${as_user[@]}" /home/max/unpacked/install.sh
    prove /home/max/.local/bin/companion
    desktop-file-validate "$root"/home/max/.local/share/applications/*.desktop
    chroot "$root" "${as_user[@]}" /home/max/.local/lib/$name/install.sh --uninstall
    if find "$root/home/max" -path '*/unpacked' -prune -o -name '*companion*' -print | grep -v AppImage; then
        fail "removing left these"
    fi
    echo ".tar.gz: installed, proven, removed"
    prove /home/max/companion.AppImage
    echo "AppImage: proven"
}

main() {
    title "Tools"
    tools
    test_venv
    title "Static checks"
    packaging/check.sh
    title "Build"
    build
    title "The bundle on a desktop with trayer (XEmbed) and with xfce4-panel (StatusNotifier)"
    desktops
    title "A clean Debian"
    prepare_root
    title "The .deb: install, fire, receive, purge"
    clean_install
    title "The .tar.gz and the AppImage"
    portable
    title "The Windows installer under wine"
    packaging/windows/prove_installer.sh "$(dirname "$bundle")/icons"
    title "Everything held"
}

main # whole, so that this file may be edited while it runs
