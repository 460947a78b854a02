# Build the Windows installer: packaging\windows\build.ps1 [-Out FOLDER]
#
# Needs Python 3.13 or newer (`py`; the clock of older versions has steps of 15.6 ms) and NSIS 3 (makensis). Signs the
# programs, the uninstaller and the installer if COMPANION_CERTIFICATE is the path of a .pfx file and
# COMPANION_CERTIFICATE_PASSWORD its password; signtool is part of the Windows SDK.
param([string]$Out = "build\packages")
$ErrorActionPreference = "Stop"
Set-Location (Join-Path $PSScriptRoot "..\..")

function Invoke-Checked([string]$Program, [string[]]$Arguments) {
    & $Program @Arguments
    if ($LASTEXITCODE -ne 0) { throw "$Program failed with exit code $LASTEXITCODE" }
}

function Find-Program([string]$Name, [string[]]$Places) {
    $found = Get-Command $Name -ErrorAction SilentlyContinue
    if ($found) { return $found.Source }
    $file = Get-Item $Places -ErrorAction SilentlyContinue | Sort-Object FullName | Select-Object -Last 1
    if (-not $file) { throw "$Name was not found" }
    return $file.FullName
}

$version = [regex]::Match((Get-Content -Raw "app\__init__.py"), '__version__ = "([^"]+)"').Groups[1].Value
$numbers = [regex]::Match($version, '^\d+(\.\d+){0,2}').Value.Split(".")
$version4 = (@($numbers) + @("0", "0", "0"))[0..2] -join "."
$version4 = "$version4.0"
$bundle = "build\bundle\p2p-chat-companion"
New-Item -ItemType Directory -Force $Out | Out-Null

$python = & py "packaging\build_venv.py" "build\venv-bundle"
if ($LASTEXITCODE -ne 0) { throw "the venv could not be created" }
Invoke-Checked $python @("packaging\build.py", "--out", "build\bundle")

$sign = @()
if ($env:COMPANION_CERTIFICATE) {
    $signtool = Find-Program "signtool" @("${env:ProgramFiles(x86)}\Windows Kits\10\bin\*\x64\signtool.exe")
    $options = @(
        "sign", "/fd", "sha256", "/td", "sha256", "/tr", "http://timestamp.digicert.com",
        "/f", $env:COMPANION_CERTIFICATE, "/p", $env:COMPANION_CERTIFICATE_PASSWORD
    )
    foreach ($name in "companion.exe", "P2P Chat Companion.exe") {
        Invoke-Checked $signtool ($options + @("$bundle\$name"))
    }
    $quoted = ($options | ForEach-Object { "`"$_`"" }) -join " "
    $sign = @("-DSIGN=`"$signtool`" $quoted")
}

$makensis = Find-Program "makensis" @("${env:ProgramFiles(x86)}\NSIS\makensis.exe")
$installer = Join-Path (Resolve-Path $Out) "P2P-Chat-Companion-$version-windows-x64.exe"
Invoke-Checked $makensis (@(
    "-V2", "-DVERSION=$version", "-DVERSION4=$version4", "-DPAYLOAD=$(Resolve-Path $bundle)",
    "-DICON=$(Resolve-Path 'build\bundle\icons\companion.ico')",
    "-DWIZARD=$(Resolve-Path 'build\bundle\icons\wizard.bmp')", "-DOUT=$installer"
) + $sign + @("packaging\windows\installer.nsi"))
Get-Item $installer | Select-Object Name, Length
