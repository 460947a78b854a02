// Finds the running companion as the command line does: by its instance file, and the token at the place that it names.
import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { Access } from "./control.js";
import { commandOf } from "./command.js";
import { CompanionError } from "./errors.js";

const NAME = "p2p-chat-companion";
const VERSION = 1;

interface Instance {
  version: number;
  pid: number;
  /** Start of the process, in seconds since the epoch */
  started: number;
  /** Boot time of the system on Linux, when the file was written. It moves with the clock, and `started` with it. */
  booted?: number;
  control: string;
  token_in: string;
  token_file: string;
}

export interface AttachOptions {
  /** The data folder of the companion. Default: COMPANION_DATA_DIR, else the platform's folder. */
  dataDir?: string;
  /** The address of the control API, such as http://127.0.0.1:8082, if the companion should not be looked for. */
  url?: string;
  /** The token. Default: COMPANION_AGENT_TOKEN, else the token of the companion that was found. */
  token?: string;
  /** The command `companion`, which reads a token from the system's keyring. Default: COMPANION_COMMAND, else PATH. */
  command?: string;
}

/** Return address and token of the running companion. Throws a CompanionError if none is running. */
export async function findRunning(options: AttachOptions = {}): Promise<Access> {
  const { url } = options;
  const given = options.token ?? (process.env["COMPANION_AGENT_TOKEN"] || undefined);
  if (url !== undefined) {
    const token = given ?? process.env["COMPANION_TOKEN"];
    if (!token) throw new CompanionError("The option url needs a token: give the option token, or set COMPANION_TOKEN.");
    return { url, token };
  }
  const dataDir = options.dataDir ?? (process.env["COMPANION_DATA_DIR"] || undefined);
  const file = join(dataDir === undefined ? runtimeFolder() : resolve(dataDir), "instance.json");
  const instance = await read(file);
  if (!instance) {
    const where = dataDir === undefined ? "" : ` with ${dataDir}`;
    throw new CompanionError(`No companion is running${where}. Start one with \`companion\` or \`companion serve\`.`);
  }
  if (!instance.control) {
    throw new CompanionError("The control API of the running companion is off. Switch it on in its Settings.");
  }
  if (!/^http:\/\/127\.0\.0\.1:[0-9]{1,5}$/.test(instance.control)) {
    throw new CompanionError(`${file} contains an invalid address. Quit the companion and start it again.`);
  }
  return { url: instance.control, token: given ?? (await tokenOf(instance, dataDir, options.command)) };
}

/** Return the folder in which a companion without a data folder keeps its instance file. */
function runtimeFolder(): string {
  const home = homedir();
  if (process.platform === "win32") return join(process.env["LOCALAPPDATA"] ?? join(home, "AppData", "Local"), NAME);
  if (process.platform === "darwin") return join(home, "Library", "Application Support", NAME);
  return join(process.env["XDG_STATE_HOME"] || join(home, ".local", "state"), NAME);
}

/** Return the companion of an instance file, or undefined if the file is not valid or its process has ended. */
async function read(file: string): Promise<Instance | undefined> {
  try {
    const found = JSON.parse(await readFile(file, "utf8")) as Instance;
    if (found.version !== VERSION || !Number.isSafeInteger(found.pid) || found.pid < 1) return undefined;
    return (await runs(found)) ? found : undefined;
  } catch {
    return undefined;
  }
}

/** Return whether the process runs. On Linux, a newer process with the same number does not count. */
async function runs({ pid, started, booted: then }: Instance): Promise<boolean> {
  if (process.platform !== "linux") {
    process.kill(pid, 0); // throws if there is no such process
    return true;
  }
  const fields = (await readFile(`/proc/${pid}/stat`, "utf8")).replace(/^.*\) /s, "").split(" ");
  const booted = Number(/^btime (\d+)$/m.exec(await readFile("/proc/stat", "utf8"))?.[1]);
  const TICKS_PER_SECOND = 100; // a constant of Linux' interface to programs
  const expected = started + (then ? booted - then : 0);
  return fields[0] !== "Z" && Math.abs(booted + Number(fields[19]) / TICKS_PER_SECOND - expected) < 2;
}

async function tokenOf(instance: Instance, dataDir: string | undefined, command: string | undefined): Promise<string> {
  if (instance.token_in === "file") return tokenIn(instance.token_file);
  if (instance.token_in !== "keyring") {
    const token = process.env["COMPANION_TOKEN"];
    if (token) return token;
    throw new CompanionError("The token of the running companion cannot be read. Set it as COMPANION_TOKEN.");
  }
  try {
    const words = ["token", ...(dataDir === undefined ? [] : ["--data-dir", dataDir])];
    return (await promisify(execFile)(commandOf(command), words)).stdout.trim();
  } catch {
    throw new CompanionError(
      "The token of the running companion is in the system's keyring, and `companion token` cannot be asked for it. " +
        "Copy it in the window (Settings › Copy token) and set it as COMPANION_TOKEN, or set COMPANION_COMMAND.",
    );
  }
}

async function tokenIn(file: string): Promise<string> {
  try {
    const { mode } = await stat(file);
    if (process.platform !== "win32" && mode & 0o077) {
      throw new CompanionError(`Other users can read ${file}. Make it private with \`chmod 600 ${file}\`.`);
    }
    return (await readFile(file, "utf8")).trim();
  } catch (error) {
    if (error instanceof CompanionError) throw error;
    throw new CompanionError(`The token file ${file} cannot be read: ${(error as Error).message}.`);
  }
}
