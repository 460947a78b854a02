// A companion for the tests of a file: started before them, reset before each, stopped after them.
import type { Companion } from "./companion.js";
import { CompanionError } from "./errors.js";
import { startCompanion, type StartOptions } from "./start.js";

export interface Hooks {
  beforeAll(action: () => Promise<void>, timeout?: number): void;
  afterAll(action: () => Promise<void>, timeout?: number): void;
}

const TIMEOUT_MS = 60_000;

/**
 * Start and stop a companion with the tests of a file, by hooks of a test runner. The first return value is used in tests:
 * it is the companion as soon as it has started. The second one resets it before a test.
 */
export function companionHooks<Events, ClientEvents>(
  hooks: Hooks,
  options: StartOptions,
): [Companion<Events, ClientEvents>, () => Promise<void>] {
  let started: Companion<Events, ClientEvents> | undefined;
  const current = (): Companion<Events, ClientEvents> => {
    if (started) return started;
    throw new CompanionError("The companion has not started yet. Use it in tests and hooks, not while tests are defined.");
  };
  hooks.beforeAll(async () => {
    started = await startCompanion<Events, ClientEvents>(options);
  }, TIMEOUT_MS);
  hooks.afterAll(async () => {
    await started?.stop();
    started = undefined;
  }, TIMEOUT_MS);
  const companion = new Proxy({} as Companion<Events, ClientEvents>, {
    get(_, name) {
      const value: unknown = Reflect.get(current(), name, current());
      return typeof value === "function" ? value.bind(current()) : value;
    },
  });
  return [companion, () => (current().started ? current().reset() : current().mark())];
}
