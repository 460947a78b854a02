// Starts `companion serve`, and ends it: with stop(), and with this process, however this process ends.
import { type ChildProcess, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Access } from "./control.js";
import { commandOf, notStarted } from "./command.js";
import { CompanionError } from "./errors.js";
import { makeFolder, removeFolder, removeFolderNow } from "./folders.js";

export interface ServeOptions {
  /** The command `companion`: a path, or a name on PATH. Default: COMPANION_COMMAND, else `companion`. */
  command?: string;
  /** A folder for data, settings and logs, which is kept. Default: a temporary one, which is deleted. */
  dataDir?: string;
  /** The folder of your fixtures. */
  fixtures?: string;
  /** The folder of your sessions (scenarios and recordings). */
  sessions?: string;
  /** The folder of your profiles of faults. */
  faults?: string;
  /** The folder of your event files. */
  events?: string;
  /** Further options of `companion serve`. */
  args?: readonly string[];
  /** Milliseconds that the start may take. Default: 30 000. */
  startTimeout?: number;
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
/** A program that did not start as a companion does need not be waited for. */
const FAILED_STOP_TIMEOUT_MS = 1_000;
const KEPT_LINES = 100;

/** Processes that run, with the temporary folder that is deleted if this process exits before they are stopped. */
const running = new Map<ChildProcess, string | undefined>();

/** A companion without a window that this process has started. */
export class ServeProcess {
  #lines: string[] = [];
  #ended: Promise<void>;

  private constructor(
    readonly child: ChildProcess,
    readonly dataDir: string,
    readonly temporary: boolean,
  ) {
    this.#ended = new Promise((resolve) => child.once("close", () => resolve()));
    running.set(child, temporary ? dataDir : undefined);
    if (running.size === 1) process.on("exit", killAll);
  }

  /** The last lines that it printed. */
  get output(): string {
    return this.#lines.join("\n");
  }

  /** Start it on free ports, and return it with address and token as soon as it is ready. Throws a CompanionError. */
  static async start(options: ServeOptions): Promise<{ process: ServeProcess; access: Access }> {
    const command = commandOf(options.command);
    const temporary = options.dataDir === undefined;
    const dataDir = resolve(options.dataDir ?? (await makeFolder()));
    const tokenFile = join(dataDir, "token");
    const folders = (["fixtures", "sessions", "faults", "events"] as const).flatMap((name) => {
      const folder = options[name];
      return folder === undefined ? [] : [`--${name}`, resolve(folder)];
    });
    const ports = ["--port", "0", "--rest-port", "0", "--control-port", "0"];
    const words = ["serve", "--data-dir", dataDir, "--token-file", tokenFile, "--stop-with-stdin", ...ports, ...folders];
    // The pipe to its standard input closes with this process, and it stops then, even if this process is killed.
    const child = spawn(command, [...words, ...(options.args ?? [])], { stdio: ["pipe", "pipe", "pipe"], windowsHide: true });
    const serve = new ServeProcess(child, dataDir, temporary);
    try {
      const url = await serve.#ready(command, options.startTimeout ?? START_TIMEOUT_MS);
      return { process: serve, access: { url, token: await writtenToken(tokenFile, command) } };
    } catch (error) {
      await serve.stop(FAILED_STOP_TIMEOUT_MS);
      throw error;
    }
  }

  /** Stop it, and delete its temporary folder. It is killed after `timeout` milliseconds. May be called twice. */
  async stop(timeout = STOP_TIMEOUT_MS): Promise<void> {
    if (this.child.pid !== undefined) {
      this.#each("ref"); // else this process may end while it waits
      this.child.stdin?.end();
      const timer = setTimeout(() => this.child.kill("SIGKILL"), timeout);
      await this.#ended;
      clearTimeout(timer);
    }
    running.delete(this.child);
    if (running.size === 0) process.off("exit", killAll);
    if (this.temporary) await removeFolder(this.dataDir);
  }

  /** Wait for the line with the address of the control API, and return the address. */
  #ready(command: string, timeout: number): Promise<string> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const fail = (what: string) => reject(new CompanionError(`${what}${this.output ? `:\n${this.output}` : "."}`));
      const timer = setTimeout(() => fail(`The companion was not ready within ${timeout} ms`), timeout);
      child.once("error", (error) => reject(notStarted(command, error)));
      child.once("close", (code) => fail(`The companion ended with exit code ${code} before it was ready`));
      child.stdin?.on("error", () => undefined); // it has ended
      const warnings: string[] = []; // part of the error if it does not start, else printed
      let print = (line: string): unknown => warnings.push(line);
      this.#read(child.stderr, (line) => print(line));
      this.#read(child.stdout, (line) => {
        const [word, address] = line.split(" ");
        if (word !== "control" || !address) return;
        clearTimeout(timer);
        this.#each("unref");
        print = (warning) => process.stderr.write(`companion: ${warning}\n`);
        warnings.forEach(print);
        resolve(address);
      });
      const done = () => clearTimeout(timer);
      child.once("error", done);
      child.once("close", done);
    });
  }

  #read(stream: Readable | null, each: (line: string) => void): void {
    if (!stream) return;
    createInterface({ input: stream }).on("line", (line) => {
      this.#lines.push(line);
      if (this.#lines.length > KEPT_LINES) this.#lines.shift();
      each(line);
    });
  }

  /** Let this process end without stop(), which ends the companion too (`unref`), or only after the companion (`ref`). */
  #each(change: "ref" | "unref"): void {
    this.child[change]();
    for (const stream of [this.child.stdin, this.child.stdout, this.child.stderr]) {
      (stream as { ref?: () => void; unref?: () => void } | null)?.[change]?.();
    }
  }
}

/** Return the token in the file that a companion has written. */
async function writtenToken(file: string, command: string): Promise<string> {
  try {
    return (await readFile(file, "utf8")).trim();
  } catch {
    throw new CompanionError(`The command ${command} is not a companion: it has not written ${file}.`);
  }
}

/** Kill what still runs when this process exits. A companion with `dataDir` is not killed: it stops when its standard input closes. */
function killAll(): void {
  for (const [child, folder] of running) {
    if (folder === undefined) continue;
    child.kill("SIGKILL");
    removeFolderNow(folder);
  }
}
