; The Windows installer, for the current user, without administrator rights. Compiled by build.ps1, and on Debian by verify.sh:
;
;   makensis -DVERSION=0.1.0 -DVERSION4=0.1.0.0 -DPAYLOAD=folder -DICON=file.ico -DWIZARD=file.bmp -DOUT=out.exe installer.nsi
;
; PAYLOAD contains companion.exe (command line), P2P Chat Companion.exe (tray) and _internal. -DSIGN="command" signs the
; installer and the uninstaller. Silent mode: out.exe /S [/AUTOSTART] [/D=folder], uninstall.exe /S [/PURGE].
; Exit code 2: a running companion could not be closed.

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
!define MUI_WELCOMEPAGE_TEXT "Play the backend of an event-driven chat UI: see every frame, fire events.$\n$\n\
Setup installs it for the current user and needs no administrator rights. A running companion is closed first. Your \
settings, chats and fixtures are kept."
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

; Set $0 to "yes" if the program is running, or to "no". The file of a running program cannot be opened for writing.
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
    MessageBox MB_RETRYCANCEL|MB_ICONEXCLAMATION "${NAME} is still running. Quit it (right click on its \
tray icon), stop every `companion serve`, then retry." /SD IDCANCEL IDRETRY +3
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
  ; Delete files of an older version that this version does not have: they could be loaded.
  RMDir /r "$INSTDIR\_internal"
  SetOutPath "$INSTDIR"
  File /r "${PAYLOAD}\*"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\${NAME}.lnk" "$INSTDIR\${PROGRAM}" "" "$INSTDIR\${PROGRAM}" 0 SW_SHOWNORMAL "" \
    "Play the backend of an event-driven chat UI"
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

Section /o "Start at login" autostart
  ; The same value as Start at login in Settings writes (app/system/autostart.py).
  WriteRegStr HKCU "${RUN}" "${NAME}" '"$INSTDIR\${PROGRAM}" --hidden'
  DeleteRegValue HKCU "${APPROVED}" "${NAME}"
SectionEnd

!insertmacro MUI_FUNCTION_DESCRIPTION_BEGIN
  !insertmacro MUI_DESCRIPTION_TEXT ${main} "The program and its entry in the Start menu."
  !insertmacro MUI_DESCRIPTION_TEXT ${autostart} "In the tray, without the window. You can change this in Settings later."
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
  RMDir "$INSTDIR"  ; not /r: the chosen folder may contain other files
  DeleteRegKey HKCU "${UNINSTALL}"

  ${GetParameters} $0
  ClearErrors
  ${GetOptions} $0 "/PURGE" $1
  ${If} ${Errors}
    MessageBox MB_YESNO|MB_ICONQUESTION|MB_DEFBUTTON2 "Also delete your settings, chats, fixtures and logs?$\n$\n\
$LOCALAPPDATA\p2p-chat-companion" /SD IDNO IDYES purge
    Return
  ${EndIf}
  purge:
  RMDir /r "$LOCALAPPDATA\p2p-chat-companion"
SectionEnd
