// A companion for the tests of a file, in Jest, or any test runner with Jest's global hooks.
import type { Companion } from "./companion.js";
import { CompanionError } from "./errors.js";
import type { WSClientEvent, WSEvent } from "./generated/events.js";
import { companionHooks, type Hooks } from "./hooks.js";
import type { StartOptions } from "./start.js";

/** Start a companion for the tests of this file or `describe`. It is reset before each test, and stopped after the last one. */
export function useCompanion<Events = WSEvent, ClientEvents = WSClientEvent>(
  options: StartOptions = {},
): Companion<Events, ClientEvents> {
  const runner = globalThis as unknown as Partial<Hooks & { beforeEach(action: () => Promise<void>): void }>;
  if (!runner.beforeAll || !runner.afterAll || !runner.beforeEach) {
    throw new CompanionError("The test runner has no global hooks (beforeAll, afterAll, beforeEach). Call startCompanion instead.");
  }
  const { beforeAll, afterAll, beforeEach } = runner;
  const [companion, reset] = companionHooks<Events, ClientEvents>({ beforeAll, afterAll }, options);
  beforeEach(reset);
  return companion;
}
