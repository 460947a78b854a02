; Stands in for the program where the real one cannot be built: PyInstaller builds on the system that it builds for, and
; verify.sh runs the installer under wine. It does what the installer sees of the companion: it runs until
; `companion.exe quit` is called, and a program that runs cannot be overwritten.

Target amd64-unicode
SilentInstall silent
RequestExecutionLevel user
!include FileFunc.nsh
Name "stand-in"
OutFile "${OUT}"

Section
  ${GetParameters} $0
  StrCmp $0 quit quit
  Delete "$EXEDIR\quit-was-asked"
  wait:
  IfFileExists "$EXEDIR\quit-was-asked" asked
  Sleep 100
  Goto wait
  asked:
  Delete "$EXEDIR\quit-was-asked"
  Return
  quit:
  FileOpen $0 "$EXEDIR\quit-was-asked" w
  FileClose $0
SectionEnd
