// P2P Chat Companion for tests of a chat UI.
export { Companion } from "./companion.js";
export type { ExpectOptions, FireOptions, JournalOptions, ScenarioOptions, TriggerOptions } from "./companion.js";
export type { DataOf, NameOf, RestCall } from "./contract.js";
export type { RequestOptions } from "./control.js";
export { CompanionError, NotMetError, RequestError } from "./errors.js";
export type * from "./generated/api.js";
export type * from "./generated/events.js";
export type { AttachOptions } from "./instance.js";
export { journalLines, journalText } from "./journal.js";
export { type ChatState, type Faults, type FaultOptions, type UiState, type UiStateOptions, differencesText } from "./parts.js";
export type { ServeOptions } from "./process.js";
export { startCompanion, type StartOptions } from "./start.js";
