#!/usr/bin/env bash
# Build and test the Linux packages on Debian, and test the Windows installer under wine. Run it as root on Debian 12. It
# installs its tools, takes less than 15 minutes, and saves screenshots and logs in build/verify.
#
#   packaging/verify.sh [--bundle FOLDER]     FOLDER: an existing bundle
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

# A venv for the tests, separate from that of the bundle, which contains only what goes into the bundle.
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
    # Fast compression: these packages are only tested.
    XZ_LEVEL=1 packaging/linux/build.sh --bundle "$bundle" --appimage-runtime build/runtime --out "$packages"
    lintian --allow-root --fail-on error,warning "$packages"/*.deb
    echo "lintian: no errors, no warnings"
}

# Replaces the AppImage runtime, which is not in Debian: it unpacks the payload and starts AppRun, as the real one does if it
# cannot mount. This tests the content of the AppImage, not the runtime.
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

# Run the desktop tests of the suite against the bundle: both tray protocols, the panel before and after the program, closing
# to the tray, the menu, a second start, SIGTERM.
desktops() {
    COMPANION_INSTALLED=$bundle/companion COMPANION_E2E=require .venv/bin/pytest -q \
        tests/e2e/test_desktop.py tests/e2e/test_quit_command.py \
        --deselect "tests/e2e/test_desktop.py::test_two_terminals_see_every_event_fired" # needs wscat, and does not concern the bundle
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
    cp /etc/apt/apt.conf.d/* "$root/etc/apt/apt.conf.d/" # the mirror's configuration of this system
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
    # The chroot does not see Xvfb's socket file in /tmp, and uses its abstract socket.
}

# prove COMMAND…: check the command as the user of the clean system, with a window on the virtual screen
prove() {
    .venv/bin/python packaging/prove.py --window --uid 1000 chroot "$root" "${as_user[@]}" DISPLAY="$DISPLAY" \
        "COMPANION_DATA_DIR=/tmp/prove-$RANDOM" "COMPANION_TOKEN=$(openssl rand -hex 16)" "$@"
}

clean_install() {
    files >"$seen/before"
    cp "$packages"/*.deb "$root/tmp/companion.deb"
    in_root apt-get install -y --no-install-recommends /tmp/companion.deb >"$seen/install.log" 2>&1 ||
        { tail -20 "$seen/install.log"; return 1; }
    echo "number of packages that were installed: $(grep -c '^Setting up' "$seen/install.log")"
    prove companion
    picture
    in_root apt-get purge -y $name >"$seen/purge.log" 2>&1
    in_root apt-get autoremove --purge -y >>"$seen/purge.log" 2>&1
    files >"$seen/after"
    # Files of other packages are ignored, for example caches of fonts and icons.
    if comm -13 "$seen/before" "$seen/after" | grep -E "p2p|companion|/usr/(lib|bin)/"; then fail "purge left the files above"; fi
    if in_root dpkg -l $name 2>/dev/null | grep -q "^[a-z]"; then fail "the package is still registered after the purge"; fi
    echo "purged: no files left"
}

# Take a screenshot of the installed program, for build/verify.
picture() {
    chroot "$root" "${as_user[@]}" DISPLAY="$DISPLAY" companion --port 0 --rest-port 0 --control-port 0 \
        --data-dir /tmp/picture --token-file /tmp/picture-token &
    local running=$! code=0
    chroot "$root" "${as_user[@]}" companion status --wait 20 --data-dir /tmp/picture
    sleep 1
    import -window root "$seen/installed.png"
    kill -TERM $running
    wait $running || code=$?
    ((code == 0)) || fail "the exit code after SIGTERM is $code"
    echo "SIGTERM: exit code 0"
}

# The .tar.gz and the AppImage need the same packages of the system as the .deb, so install those first.
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
        fail "the removal left the files above"
    fi
    echo ".tar.gz: installed, tested, removed"
    prove /home/max/companion.AppImage
    echo "AppImage: tested"
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
    title "All checks passed"
}

main # bash has read the whole file now, so it may be edited while this runs
