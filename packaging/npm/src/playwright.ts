// Fixtures for Playwright: one companion per worker, reset before each test, its log in the report of a failed one.
import { test as base, type TestInfo } from "@playwright/test";
import type { Companion } from "./companion.js";
import type { WSClientEvent, WSEvent } from "./generated/events.js";
import { journalLines, journalText, REPORTED_ROWS } from "./journal.js";
import { type Redirect, redirectPage, redirections } from "./redirect.js";
import { startCompanion, type StartOptions } from "./start.js";

export { expect } from "@playwright/test";

export interface CompanionOptions extends StartOptions {
  /** Redirect pages from the companion's default addresses to this companion. false: pass the addresses to your UI yourself. */
  redirect?: Redirect | false;
}

export interface WorkerFixtures<Events, ClientEvents> {
  /** Options of the companion, for `use` in playwright.config.ts. */
  companionOptions: CompanionOptions;
  /** The companion of this worker. Tests use `companion`. */
  companionOfWorker: Companion<Events, ClientEvents>;
}

export interface TestFixtures<Events, ClientEvents> {
  /** The companion. It is reset before each test. */
  companion: Companion<Events, ClientEvents>;
}

/** Return a `test` of Playwright with a companion. The types are the events of your contract. */
export function companionTest<Events = WSEvent, ClientEvents = WSClientEvent>() {
  return base.extend<TestFixtures<Events, ClientEvents>, WorkerFixtures<Events, ClientEvents>>({
    companionOptions: [{}, { scope: "worker", option: true }],

    companionOfWorker: [
      async ({ companionOptions: { redirect: _, ...options } }, use) => {
        const companion = await startCompanion<Events, ClientEvents>(options);
        try {
          await use(companion);
        } finally {
          await companion.stop();
        }
      },
      { scope: "worker" },
    ],

    companion: [
      async ({ companionOfWorker: companion, baseURL }, use, testInfo) => {
        if (companion.started) {
          await companion.reset();
          if (baseURL) await companion.allowOrigin(new URL(baseURL).origin);
        } else {
          await companion.mark();
        }
        await use(companion);
        if (testInfo.status !== testInfo.expectedStatus) await attachJournal(companion, testInfo);
      },
      { auto: true },
    ],

    context: async ({ context, companion, companionOptions: { redirect = {} } }, use) => {
      if (redirect !== false) {
        await context.addInitScript(redirectPage, redirections(redirect, companion.eventsUrl, companion.restUrl));
      }
      await use(context);
    },
  });
}

/** A `test` of Playwright with a companion, typed for the built-in events. */
export const test = companionTest();

/** Attach the log to the report: as text for people, and as lines of JSON. */
async function attachJournal<E, C>(companion: Companion<E, C>, testInfo: TestInfo): Promise<void> {
  try {
    const [rows, leftOut] = await companion.latest(REPORTED_ROWS);
    await testInfo.attach("companion-journal.txt", { body: journalText(rows, leftOut), contentType: "text/plain" });
    await testInfo.attach("companion-journal.ndjson", { body: journalLines(rows), contentType: "application/x-ndjson" });
  } catch (error) {
    const body = [String(error), companion.output].join("\n");
    await testInfo.attach("companion-error.txt", { body, contentType: "text/plain" });
  }
}
