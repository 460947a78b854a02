#!/usr/bin/env bash
# Build the Linux packages: a .deb, a .tar.gz, and an AppImage if its runtime is given.
#
#   packaging/linux/build.sh [--bundle FOLDER] [--appimage-runtime FILE] [--out FOLDER]
#
# --bundle            a bundle of packaging/build.py; by default, it is built first
# --appimage-runtime  the start program of AppImages (type2-runtime), which is not part of this repository
# --out               output folder; by default build/packages
#
# XZ_LEVEL=1 in the environment is faster but makes a larger .deb. Needs dpkg-deb, binutils, and mksquashfs
# (squashfs-tools) for an AppImage. The packages run on systems with the C library in packaging/elf.py or a newer one;
# the build of the bundle fails if it needs a newer one than that.
set -euo pipefail
exec </dev/null
cd "$(dirname "$0")/../.."
umask 022

bundle='' runtime='' out=build/packages
while (($#)); do
    case $1 in
    --bundle) bundle=$2 ;;
    --appimage-runtime) runtime=$2 ;;
    --out) out=$2 ;;
    *) echo "unknown option $1; the first lines of $0 list the options" >&2; exit 2 ;;
    esac
    shift 2
done

here=packaging/linux
name=p2p-chat-companion
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' app/__init__.py)
glibc=$(sed -n 's/^GLIBC = (\([0-9]*\), \([0-9]*\))$/\1.\2/p' packaging/elf.py)
arch=$(dpkg --print-architecture)
# Reproducible packages: all times are that of the commit.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -c safe.directory='*' log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%d)
work=build/linux

if [[ -z $bundle ]]; then
    bundle=build/bundle/$name
    python=$("${PYTHON:-python3}" packaging/build_venv.py build/venv-bundle)
    "$python" packaging/build.py --out build/bundle
fi
icons=$(dirname "$bundle")/icons
rm -rf "$work"
mkdir -p "$work" "$out"

# fill FROM TO: copy a file and replace its @NAMES@
fill() {
    sed -e "s/@VERSION@/$version/g" -e "s/@DATE@/$date/g" -e "s/@ARCH@/$arch/g" -e "s/@GLIBC@/$glibc/g" \
        -e "s/@SIZE@/${size:-0}/g" "$1" >"$2"
    chmod 644 "$2"
}

# share FOLDER: write the files for desktops (menu entry, icons, metadata, man page) to FOLDER
share() {
    mkdir -p "$1"/{applications,metainfo,icons/hicolor/scalable/apps,man/man1}
    fill $here/$name.desktop "$1/applications/$name.desktop"
    fill $here/com.p2pchat.companion.metainfo.xml "$1/metainfo/com.p2pchat.companion.metainfo.xml"
    fill $here/companion.1 "$1/man/man1/companion.1"
    gzip -9n "$1/man/man1/companion.1"
    cp -R "$icons/hicolor" "$1/icons/"
    cp "$icons/companion.svg" "$1/icons/hicolor/scalable/apps/$name.svg"
}

# program FOLDER: copy the bundle to FOLDER, with the file modes of packages
program() {
    mkdir -p "$(dirname "$1")"
    cp -R "$bundle" "$1"
    find "$1" -type d -exec chmod 755 {} +
    find "$1" -type f -exec chmod 644 {} +
    chmod 755 "$1/companion"
}

copyright() {
    cat <<TEXT
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: P2P Chat Companion

Files: *
Copyright: $(sed -n 's/^Copyright (c) //p' LICENSE)
License: MIT

Files: usr/lib/$name/_internal/*
Copyright: the authors of each library, see its licence text
License: various
 The bundle contains the components below, under the licences named there. Their texts are in
 /usr/share/doc/$name/licences; those of the LGPL and the GPL, version 3, are also in /usr/share/common-licenses.
 .
$(sed -e '1,/^$/d' -e 's/^$/./' -e 's/^/ /' "$bundle/_internal/licences/README.txt")

License: MIT
$(sed -e '1,/^Copyright/d' -e '/./,$!d' -e 's/^$/./' -e 's/^/ /' LICENSE)
TEXT
}

changelog() {
    echo "$name ($version) stable; urgency=medium"
    echo
    echo "  * See CHANGELOG.md beside this file."
    echo
    echo " -- The P2P Chat Companion authors <companion@p2pchat.com>  $(date -u -R -d "@$SOURCE_DATE_EPOCH")"
}

make_deb() {
    local root=$work/deb doc=$work/deb/usr/share/doc/$name size
    program "$root/usr/lib/$name"
    share "$root/usr/share"
    mkdir -p "$root/usr/bin" "$root/usr/share/lintian/overrides" "$doc" "$root/DEBIAN"
    ln -s "../lib/$name/companion" "$root/usr/bin/companion"
    mv "$root/usr/lib/$name/_internal/licences" "$doc/licences"
    ln -s "../../../share/doc/$name/licences" "$root/usr/lib/$name/_internal/licences"
    copyright >"$doc/copyright"
    changelog | gzip -9n >"$doc/changelog.gz"
    cp CHANGELOG.md "$doc/"
    cp $here/lintian-overrides "$root/usr/share/lintian/overrides/$name"
    chmod 644 "$doc/copyright" "$doc/CHANGELOG.md" "$doc/changelog.gz" "$root/usr/share/lintian/overrides/$name"
    size=$(du -sk --apparent-size "$root/usr" | cut -f1)
    fill $here/control "$root/DEBIAN/control"
    install -m 755 $here/preinst "$root/DEBIAN/preinst"
    (cd "$root" && find usr -type f -print0 | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
    dpkg-deb --root-owner-group -Zxz "-z${XZ_LEVEL:-6}" --build "$root" "$out/${name}_${version}_$arch.deb" >/dev/null
}

make_tar() {
    local folder=$name-$version
    program "$work/tar/$folder"
    share "$work/tar/$folder/share"
    cp $here/install.sh LICENSE "$work/tar/$folder/"
    chmod 755 "$work/tar/$folder/install.sh"
    tar --create --directory "$work/tar" --sort=name --owner=0 --group=0 --numeric-owner \
        --mtime="@$SOURCE_DATE_EPOCH" "$folder" | gzip -n >"$out/$name-$version-linux-$(uname -m).tar.gz"
}

make_appimage() {
    local root=$work/appdir target
    target=$out/P2P_Chat_Companion-$version-$(uname -m).AppImage
    program "$root/usr/lib/$name"
    share "$root/usr/share"
    cp $here/AppRun "$root/"
    chmod 755 "$root/AppRun"
    sed 's|^\(Exec\|TryExec\)=/usr/bin/|\1=|' "$root/usr/share/applications/$name.desktop" >"$root/$name.desktop"
    cp "$icons/hicolor/256x256/apps/$name.png" "$root/"
    ln -s "$name.png" "$root/.DirIcon"
    mksquashfs "$root" "$work/payload" -root-owned -noappend -no-xattrs -no-progress -comp gzip -quiet
    cat "$runtime" "$work/payload" >"$target"
    chmod 755 "$target"
}

make_deb
make_tar
if [[ -n $runtime ]]; then make_appimage; fi
(cd "$out" && ls -l --time-style=+ -- *"$version"*)
