// The command `companion`, and the error if it is not installed.
import { CompanionError } from "./errors.js";

/** Return the command that starts the companion: the given one, else COMPANION_COMMAND, else `companion` on PATH. */
export function commandOf(command: string | undefined): string {
  return command ?? (process.env["COMPANION_COMMAND"] || "companion");
}

/** Return the error for a command that could not be started. */
export function notStarted(command: string, error: NodeJS.ErrnoException): CompanionError {
  const why = error.code === "ENOENT" ? "was not found" : `cannot be started (${error.code ?? error.message})`;
  return new CompanionError(
    `The command ${command} ${why}. Install P2P Chat Companion: with the installer of its release, or with ` +
      "`pipx install .` in a clone of its repository (Python 3.11 or newer). If it is installed elsewhere, set " +
      "COMPANION_COMMAND to the path of its command. To use a companion that is running already, use attach: true.",
  );
}
