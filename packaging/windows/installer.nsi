; The Windows installer: for one user, without administrator rights. Compiled by build.ps1, and on Debian by verify.sh:
;
;   makensis -DVERSION=0.1.0 -DVERSION4=0.1.0.0 -DPAYLOAD=folder -DICON=file.ico -DWIZARD=file.bmp -DOUT=out.exe installer.nsi
;
; PAYLOAD holds companion.exe (the verbs), P2P Chat Companion.exe (the tray) and _internal. -DSIGN="command" signs what
; comes out. Silent: out.exe /S [/AUTOSTART] [/D=folder], uninstall.exe /S [/PURGE].
; Exit code 2: a companion that runs could not be closed.

Target amd64-unicode
SetCompressor /SOLID lzma
ManifestDPIAware true
RequestExecutionLevel user

!include MUI2.nsh
!include FileFunc.nsh
!include LogicLib.nsh

!define NAME "P2P Chat Companion"
!define PROGRAM "${NAME}.exe"
!define RUN "Software\Microsoft\Windows\CurrentVersion\Run"
!define APPROVED "Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\com.p2pchat.companion"

Name "${NAME}"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\${NAME}"
InstallDirRegKey HKCU "${UNINSTALL}" "InstallLocation"
BrandingText "${NAME} ${VERSION}"

VIProductVersion "${VERSION4}"
VIAddVersionKey ProductName "${NAME}"
VIAddVersionKey ProductVersion "${VERSION}"
VIAddVersionKey FileDescription "${NAME} setup"
VIAddVersionKey FileVersion "${VERSION}"
VIAddVersionKey CompanyName "P2P Chat"
VIAddVersionKey LegalCopyright "MIT licence"

!ifdef SIGN
  !finalize '${SIGN} "%1"'
  !uninstfinalize '${SIGN} "%1"'
!endif

!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_WELCOMEFINISHPAGE_BITMAP "${WIZARD}"
!define MUI_WELCOMEPAGE_TEXT "Be the backend of an event-driven chat UI: see every frame, fire events.$\n$\n\
It is installed for you alone, and needs no administrator. A companion that runs is asked to quit first; your \
settings, chats and fixtures stay as they are."
!define MUI_ABORTWARNING
!define MUI_COMPONENTSPAGE_SMALLDESC
!define MUI_FINISHPAGE_RUN "$INSTDIR\${PROGRAM}"
!define MUI_FINISHPAGE_RUN_TEXT "Start ${NAME}"
!insertmacro MUI_PAGE_WELCOME
!insertmacro MUI_PAGE_COMPONENTS
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

; A running program's file cannot be opened for writing: that tells whether one runs, and whether it has ended.
; Leaves "yes" in $0, or "no".
!macro IsRunning FILE
  StrCpy $0 no
  ${If} ${FileExists} "${FILE}"
    ClearErrors
    FileOpen $2 "${FILE}" a
    ${If} ${Errors}
      StrCpy $0 yes
    ${Else}
      FileClose $2
    ${EndIf}
  ${EndIf}
!macroend

!macro CloseRunning un
Function ${un}CloseRunning
  ${Do}
    ${For} $1 0 40
      !insertmacro IsRunning "$INSTDIR\${PROGRAM}"
      ${If} $0 == no
        !insertmacro IsRunning "$INSTDIR\companion.exe"
      ${EndIf}
      ${If} $0 == no
        Return
      ${EndIf}
      ${If} $1 == 0
        nsExec::Exec '"$INSTDIR\companion.exe" quit'
        Pop $3
      ${EndIf}
      Sleep 250
    ${Next}
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "${NAME} is running and does not end. Quit it (right click on its \
tray icon), end every `companion serve`, and retry." /SD IDCANCEL IDRETRY +3
    SetErrorLevel 2
    Quit
  ${Loop}
FunctionEnd
!macroend
!insertmacro CloseRunning ""
!insertmacro CloseRunning "un."

Section "${NAME}" main
  SectionIn RO
  Call CloseRunning
  ; What an older version had and this one has not must not stay and be loaded.
  RMDir /r "$INSTDIR\_internal"
  SetOutPath "$INSTDIR"
  File /r "${PAYLOAD}\*"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\${PROGRAM}" "" "$INSTDIR\${PROGRAM}" 0 SW_SHOWNORMAL "" \
    "Be the backend of an event-driven chat UI"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "${NAME}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\${PROGRAM}"
  WriteRegStr HKCU "${UNINSTALL}" "Publisher" "P2P Chat"
  WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  WriteRegDWORD HKCU "${UNINSTALL}" "EstimatedSize" $0
SectionEnd

Section /o "Start when I log in" autostart
  ; The same value that the program's own switch in Settings writes (app/system/autostart.py).
  WriteRegStr HKCU "${RUN}" "${NAME}" '"$INSTDIR\${PROGRAM}" --hidden'
  DeleteRegValue HKCU "${APPROVED}" "${NAME}"
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${main} "The program and its entry in the Start menu."
  !insertmacro MUI_DESCRIPTION_TEXT ${autostart} "In the tray, without the window. Settings can change it later."
!insertmacro MUI_FUNCTION_DESCRIPTION_END

Function .onInit
  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/AUTOSTART" $1
  ${IfNot} ${Errors}
    SectionSetFlags ${autostart} ${SF_SELECTED}
  ${EndIf}
FunctionEnd

Section Uninstall
  Call un.CloseRunning
  Delete "$SMPROGRAMS\${NAME}.lnk"
  DeleteRegValue HKCU "${RUN}" "${NAME}"
  DeleteRegValue HKCU "${APPROVED}" "${NAME}"
  RMDir /r "$INSTDIR\_internal"
  Delete "$INSTDIR\companion.exe"
  Delete "$INSTDIR\${PROGRAM}"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"  ; not /r: somebody may have chosen a folder with things of their own
  DeleteRegKey HKCU "${UNINSTALL}"

  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/PURGE" $1
  ${If} ${Errors}
    MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "Remove your settings, chats, fixtures and logs as well?$\n$\n\
$LOCALAPPDATA\p2p-chat-companion" /SD IDNO IDYES purge
    Return
  ${EndIf}
  purge:
  RMDir /r "$LOCALAPPDATA\p2p-chat-companion"
SectionEnd
