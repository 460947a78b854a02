; A small replacement of the program to test the installer under wine, since PyInstaller can build Windows programs only on
; Windows. It behaves as the installer expects: it runs until `companion.exe quit` is called, and meanwhile its file cannot be
; overwritten.

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
