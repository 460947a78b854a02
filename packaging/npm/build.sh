#!/usr/bin/env bash
# Build the npm package in a copy, so that no file of the repository changes: build.sh FOLDER
# writes p2p-chat-companion-VERSION.tgz to FOLDER and prints its path. Needs npm; NODE_MODULES names a folder with the
# development dependencies of package.json. Without it, they are installed.
set -euo pipefail
exec </dev/null
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -R "$here/src" "$here/package.json" "$here/tsconfig.json" "$here/README.md" "$here/../../LICENSE" "$work"
cd "$work"
if [[ -n ${NODE_MODULES-} ]]; then
    ln -s "$NODE_MODULES" node_modules
else
    npm install --no-package-lock --no-audit --no-fund --loglevel=error >&2
fi
printf '%s/%s\n' "$out" "$(npm pack --silent --pack-destination "$out")"
