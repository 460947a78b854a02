// Temporary data folders: made, deleted, and deleted later if this process had no time to.
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFIX = "companion-npm-";
const LEFT_BEHIND_MS = 3_600_000;
const REMOVE = { recursive: true, force: true, maxRetries: 5 } as const;

/** Return a new temporary folder, which only this user can read. Deletes those that killed processes have left behind. */
export async function makeFolder(): Promise<string> {
  await removeLeftovers();
  return mkdtemp(join(tmpdir(), PREFIX));
}

/** Delete a folder. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, REMOVE);
}

/** Delete a folder while this process exits. */
export function removeFolderNow(folder: string): void {
  try {
    rmSync(folder, REMOVE);
  } catch {
    // On Windows, a killed process keeps its files for a moment: makeFolder() deletes them later.
  }
}

/** Delete old folders without an instance file: their companion has ended. */
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(tmpdir(), name);
    try {
      const age = Date.now() - (await stat(folder)).mtimeMs;
      if (age > LEFT_BEHIND_MS && !existsSync(join(folder, "instance.json"))) await rm(folder, REMOVE);
    } catch {
      // another process has deleted it, or it is of another user
    }
  }
}
