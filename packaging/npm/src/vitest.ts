// A companion for the tests of a file, in Vitest. Its log is in the report of a failed test.
import { afterAll, beforeAll, beforeEach } from "vitest";
import type { Companion } from "./companion.js";
import type { JournalRow } from "./generated/api.js";
import type { WSClientEvent, WSEvent } from "./generated/events.js";
import { companionHooks } from "./hooks.js";
import { journalText, REPORTED_ROWS } from "./journal.js";
import type { StartOptions } from "./start.js";

declare module "vitest" {
  interface TaskMeta {
    /** The log of the companion during a failed test, for reporters. */
    companionJournal?: JournalRow[];
  }
}

/**
 * Start a companion for the tests of this file or `describe`. It is reset before each test, and stopped after the last one.
 * The log of a failed test is printed to its standard error, which reporters show, and in `meta.companionJournal`.
 */
export function useCompanion<Events = WSEvent, ClientEvents = WSClientEvent>(
  options: StartOptions = {},
): Companion<Events, ClientEvents> {
  const [companion, reset] = companionHooks<Events, ClientEvents>({ beforeAll, afterAll }, options);
  beforeEach(async ({ onTestFailed, task }) => {
    await reset();
    onTestFailed(async () => {
      try {
        const [rows, leftOut] = await companion.latest(REPORTED_ROWS);
        task.meta.companionJournal = rows;
        console.error(`The log of the companion during this test:\n${journalText(rows, leftOut) || "(no rows)"}`);
      } catch (error) {
        console.error(`The log of the companion cannot be read: ${String(error)}\n${companion.output}`);
      }
    });
  });
  return companion;
}
