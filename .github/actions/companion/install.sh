#!/usr/bin/env bash
# Install the companion for a job of GitHub Actions, and pass its command on as the output `command`.
#
# The first of these inputs that is not empty decides: COMPANION_INPUT_COMMAND (nothing is installed), COMPANION_INPUT_ARCHIVE (a bundle
# of serve), COMPANION_INPUT_VERSION (the bundle of a release of COMPANION_REPOSITORY, downloaded with gh and checked with SHA256SUMS).
# Without any, the repository that contains this script is installed in a venv, without Qt.
set -euo pipefail

fail() { echo "::error title=P2P Chat Companion::$*" >&2; exit 1; }
[[ -n ${RUNNER_TEMP:-} && -n ${GITHUB_OUTPUT:-} ]] || fail "RUNNER_TEMP and GITHUB_OUTPUT are not set: this script runs in GitHub Actions."
here=$(cd "$(dirname "$0")" && pwd)

case $(uname -s) in
Linux) system=linux suffix=tar.gz exe='' ;;
Darwin) system=macos suffix=tar.gz exe='' ;;
*) system=windows suffix=zip exe=.exe RUNNER_TEMP=$(cygpath -m "$RUNNER_TEMP") here=$(cygpath -m "$here") ;;
esac
folder=$RUNNER_TEMP/companion-program

# unpack FILE: unpack a bundle of serve, and print its command
unpack() {
    local command=$folder/p2p-chat-companion-serve/companion$exe
    mkdir -p "$folder"
    if [[ $1 == *.zip ]]; then unzip -q -o "$1" -d "$folder"; else tar -xzf "$1" -C "$folder"; fi
    [[ -x $command ]] || fail "$1 is not a bundle of companion serve."
    echo "$command"
}

# download: download the bundle of a release for this system, and print its path
download() {
    local found tag=()
    if [[ $COMPANION_INPUT_VERSION != latest ]]; then tag=("$COMPANION_INPUT_VERSION"); fi
    mkdir -p "$folder/download"
    gh release download ${tag[@]+"${tag[@]}"} --repo "$COMPANION_REPOSITORY" --dir "$folder/download" --clobber \
        --pattern "p2p-chat-companion-serve-*-$system-*.$suffix" --pattern SHA256SUMS >&2 ||
        fail "The release $COMPANION_INPUT_VERSION of $COMPANION_REPOSITORY has no bundle of serve for $system, or cannot be downloaded."
    found=$(find "$folder/download" -name "*-$system-*.$suffix" | head -1)
    # sha256sum and shasum have different options for files that are missing: check the one line only.
    (cd "$folder/download" && grep -F -- " ${found##*/}" SHA256SUMS >checked &&
        if command -v sha256sum >/dev/null; then sha256sum -c checked; else shasum -a 256 -c checked; fi) >&2 ||
        fail "The checksum of ${found##*/} is wrong: it is not the file of the release."
    echo "$found"
}

# from_source: install the repository of this script, and print the command
from_source() {
    local python repository="$here/../../.." made
    for python in python3 python; do
        if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            made=$("$python" "$repository/packaging/build_venv.py" --server --without-pyinstaller "$folder/venv" | tr -d '\r')
            made=${made//\\//}
            echo "${made%/*}/companion$exe"
            return
        fi
    done
    fail "Python 3.11 or newer was not found. Add a step with actions/setup-python before, or give the input version."
}

if [[ -n ${COMPANION_INPUT_COMMAND:-} ]]; then
    command=$COMPANION_INPUT_COMMAND
elif [[ -n ${COMPANION_INPUT_ARCHIVE:-} ]]; then
    command=$(unpack "$COMPANION_INPUT_ARCHIVE")
elif [[ -n ${COMPANION_INPUT_VERSION:-} ]]; then
    archive=$(download)
    command=$(unpack "$archive")
else
    command=$(from_source)
fi
version=$("$command" --version) || fail "The command $command cannot be started."
echo "Installed: $version"
echo "command=$command" >>"$GITHUB_OUTPUT"
