// A companion that runs: what tests call.
import type { DataOf, NameOf, RestCall } from "./contract.js";
import { type Access, ControlApi, type RequestOptions } from "./control.js";
import { CompanionError, NotMetError } from "./errors.js";
import type { Expected, Fired, JournalPage, JournalRow, RunBody, RunInfo, Status, TriggerBody } from "./generated/api.js";
import type { WSClientEvent, WSEvent } from "./generated/events.js";
import { journalText, printable } from "./journal.js";
import { ChatState, Faults, UiState } from "./parts.js";
import type { ServeProcess } from "./process.js";

/** Times are in seconds, as in the control API and on the command line. */
export interface FireOptions {
  /** The recipients: all (the default), user:NAME or client:NUMBER */
  to?: string;
  /** Seconds to wait for a client that is ready to show events; if none is ready then, the call fails. Default: 0 */
  wait?: number;
}

export interface TriggerOptions<Data> extends FireOptions {
  /** Fields of the data to set. The others get default values. */
  data?: Partial<Data>;
  /** Values to set by their path, such as `{ "data.reactions[0].emoji": "👍" }` */
  set?: Record<string, unknown>;
  /** Paths to remove */
  remove?: string[];
  /** The friend that sends it. Default: the first friend */
  as?: string;
  /** The same seed generates the same ids and texts. */
  seed?: number;
  /** false: fire it even if it violates the contract */
  strict?: boolean;
}

export interface ExpectOptions<Data> {
  /** Required values of fields of the data */
  data?: Partial<Data>;
  /** Required values by their path, such as `{ "data.typing": true }` */
  where?: Record<string, unknown>;
  /** Accept it only from this user name or client:NUMBER. */
  from?: string;
  /** Seconds to wait. Default: 5 */
  within?: number;
  /** Also accept what came after this row of the log, such as the `seq` of an event that was fired. Default: only new rows */
  after?: number;
  /** false: wait even for what the contract makes impossible */
  strict?: boolean;
}

export type ScenarioOptions = Omit<RunBody, "name" | "text" | "notation" | "step">;

export interface JournalOptions {
  /** Only rows after this one. Default: the beginning of the test, or of the companion */
  after?: number;
  /** Only rows that match, in the language of the filter: `event:typing dir:c2s` */
  filter?: string;
  /** Return at most this many rows. Default: 10 000 */
  limit?: number;
}

const DEFAULT_WITHIN_S = 5;
const EARLIER = "It was sent before expect was called, as row ROW. To count it, set after, for example to the seq of the event that you fired before.";
const POLL_S = 30;
const MAX_ROWS = 10_000;

/**
 * A running companion. `Events` are the events that the UI receives, `ClientEvents` those that it sends: the unions that
 * `companion contract typescript` prints. Without them, the types are those of the built-in events.
 */
export class Companion<Events = WSEvent, ClientEvents = WSClientEvent> {
  readonly faults: Faults;
  readonly state: ChatState;
  readonly uiState: UiState;
  /** The address of the event server, such as ws://127.0.0.1:8081/events */
  readonly eventsUrl: string;
  /** The address of the REST stand-in, such as http://127.0.0.1:8080; empty if it is off */
  readonly restUrl: string;
  /** The address of the control API, such as http://127.0.0.1:8082 */
  readonly controlUrl: string;
  readonly #api: ControlApi;
  readonly #process: ServeProcess | undefined;
  #since = 0;

  private constructor(api: ControlApi, status: Status, process: ServeProcess | undefined) {
    this.#api = api;
    this.#process = process;
    this.controlUrl = api.access.url;
    this.eventsUrl = status.events.url;
    this.restUrl = status.rest.wanted ? status.rest.url : "";
    this.faults = new Faults(api);
    this.state = new ChatState(api);
    this.uiState = new UiState(api);
  }

  /** Return the companion at an address. `process` is given if this process has started it. */
  static async connect<Events = WSEvent, ClientEvents = WSClientEvent>(
    access: Access,
    process?: ServeProcess,
  ): Promise<Companion<Events, ClientEvents>> {
    const api = new ControlApi(access);
    const status = await api.call<Status>("GET", "/v1/status");
    const companion = new Companion<Events, ClientEvents>(api, status, process);
    if (!process) companion.#since = status.journal.last_seq;
    return companion;
  }

  /** Whether it was started by `startCompanion`; false if it was running already. */
  get started(): boolean {
    return this.#process !== undefined;
  }

  /** Environment variables with which the command `companion` uses this companion, if it was started here. */
  get env(): Record<string, string> {
    return this.#process ? { COMPANION_DATA_DIR: this.#process.dataDir } : {};
  }

  /** The last lines that it printed, if it was started here. */
  get output(): string {
    return this.#process?.output ?? "";
  }

  /** Fire an event with this data. */
  fire<Name extends NameOf<Events>>(event: Name, data: DataOf<Events, Name>, options: FireOptions = {}): Promise<Fired> {
    return this.#fire(event, data, options, true);
  }

  /** Fire an event as it is, even if it violates the contract. */
  fireUnchecked(event: string, data: object, options: FireOptions = {}): Promise<Fired> {
    return this.#fire(event, data, options, false);
  }

  #fire(event: string, data: unknown, { to, wait = 0 }: FireOptions, strict: boolean): Promise<Fired> {
    return this.request("POST", "/v1/events", { query: { to, wait, strict }, body: { event, data }, waits: wait });
  }

  /** Fire an event with default values, changed by the options. */
  trigger<Name extends NameOf<Events>>(
    event: Name,
    options: TriggerOptions<DataOf<Events, Name>> = {},
  ): Promise<Fired> {
    return this.#trigger({ event }, options);
  }

  /** Fire a fixture by its name, and check the expectation of the fixture: see `expectation` in the result. */
  triggerFixture(name: string, options: TriggerOptions<Record<string, unknown>> = {}): Promise<Fired> {
    return this.#trigger({ fixture: name }, options);
  }

  #trigger(what: TriggerBody, { data, set, as, wait = 0, ...more }: TriggerOptions<object>): Promise<Fired> {
    const body: TriggerBody = { ...what, ...more, wait, set: { ...paths(data), ...set } };
    if (as !== undefined) body.persona = as;
    return this.request("POST", "/v1/trigger", { body, waits: wait + POLL_S });
  }

  /** Let a friend send a message to the user. */
  say(from: string, text: string, options: FireOptions = {}): Promise<Fired> {
    return this.#trigger({ event: "new_message" }, { ...options, as: from, data: { text } });
  }

  /** Wait until the UI sends an event or a REST call, and return its row. Throws a NotMetError if it does not in time. */
  async expect<Name extends NameOf<ClientEvents> | RestCall>(
    event: Name,
    options: ExpectOptions<Name extends RestCall ? Record<string, unknown> : DataOf<ClientEvents, Name>> = {},
  ): Promise<JournalRow> {
    const { data, where, from, within = DEFAULT_WITHIN_S, ...more } = options;
    const body = { event, ...more, within, sender: from ?? "", where: { ...paths(data), ...where } };
    const result = await this.request<Expected>("POST", "/v1/expectations", { body, waits: within });
    if (result.row) return result.row;
    const others = result.received_instead;
    const instead = others.length ? `. Received instead:\n${journalText(others)}` : ". No other event was received.";
    const { earlier } = result;
    const early = earlier && earlier.seq > this.#since ? `\n${EARLIER.replace("ROW", `${earlier.seq}`)}` : ""; // of this test
    const why = result.why_no_client ? ` ${result.why_no_client}` : "";
    throw new NotMetError(`The UI did not send ${event} within ${within} s${instead}${why}${early}`, result);
  }

  /** Play a scenario: its text, or the name of a saved one. Throws a NotMetError if an expectation is not met. */
  async scenario(what: string | { name: string }, options: ScenarioOptions = {}): Promise<RunInfo> {
    const body: RunBody = { ...options, ...(typeof what === "string" ? { text: what } : what) };
    if (body.step) throw new CompanionError('A scenario is played to its end. For single steps, use request("POST", "/v1/runs").');
    let run = await this.request<RunInfo>("POST", "/v1/runs", { body });
    while (run.state === "running" || run.state === "paused") {
      const query = { seen: run.version, wait: POLL_S };
      run = await this.request("GET", `/v1/runs/${run.number}`, { query, waits: POLL_S });
    }
    if (run.state === "passed") return run;
    const unmet = run.results.filter((each) => !each.met).map((each) => `line ${each.line}: ${each.text}: ${each.detail}`);
    const why = [...unmet, ...run.error.split("\n"), run.note ?? ""].filter(Boolean).map(printable).join("\n") || `The scenario was ${run.state}.`;
    const title = run.title !== run.name ? run.title : typeof what === "string" ? "" : what.name;
    throw new NotMetError(`Scenario${title && ` ${printable(title)}`}: ${run.state}.\n${why}`, run);
  }

  /** Return rows of the log, the oldest first. */
  async journal({ after = this.#since, filter = "", limit = MAX_ROWS }: JournalOptions = {}): Promise<JournalRow[]> {
    const rows: JournalRow[] = [];
    for (let next = after, more = true; more && rows.length < limit; ) {
      const query = { after: next, filter, limit: Math.min(limit - rows.length, MAX_ROWS) };
      const page = await this.request<JournalPage>("GET", "/v1/journal", { query });
      rows.push(...page.rows);
      more = page.rows.length > 0 && page.next_after < page.last_seq;
      next = page.next_after;
    }
    return rows;
  }

  /** Return the last rows of the log since the test began, and the number of earlier ones. */
  async latest(limit: number): Promise<[rows: JournalRow[], leftOut: number]> {
    const page = await this.request<JournalPage>("GET", "/v1/journal", { query: { limit } });
    const rows = page.rows.filter((row) => row.seq > this.#since);
    return [rows, rows[0] ? rows[0].seq - this.#since - 1 : 0];
  }

  /** Return the state of servers, clients and log. */
  status(): Promise<Status> {
    return this.request("GET", "/v1/status");
  }

  /** Let `journal()` begin with the next row. */
  async mark(): Promise<void> {
    this.#since = (await this.status()).journal.last_seq;
  }

  /**
   * Return to the state after the start: the first friends and messages, no faults, breakpoints or refusals. Scenarios are
   * stopped, what breakpoints hold is dropped, all clients are disconnected, and sending is resumed. `journal()` begins with the next row. Only for a companion that was started here.
   */
  async reset(): Promise<void> {
    if (!this.started) {
      throw new CompanionError(
        "reset() works only with a companion that was started here: it would delete your chats. Call mark() instead.",
      );
    }
    for (const run of await this.request<RunInfo[]>("GET", "/v1/runs")) {
      if (run.state === "running" || run.state === "paused") await this.request("POST", `/v1/runs/${run.number}/stop`);
    }
    const { state } = await this.request<Status>("POST", "/v1/server/resume");
    if (state === "stopped") await this.request("POST", "/v1/server/start");
    await this.request("POST", "/v1/clients/drop");
    await this.request("DELETE", "/v1/faults");
    await this.request("DELETE", "/v1/breakpoints");
    await this.request("POST", "/v1/breakpoints/held/all", { body: { action: "drop" } }); // they would continue in the next test
    await this.request("POST", "/v1/server/accept");
    await this.state.reset();
    await this.mark();
  }

  /** Let pages of an origin, such as http://localhost:5173, connect. Needs the main token. */
  async allowOrigin(origin: string): Promise<void> {
    await this.request("POST", "/v1/origins", { body: { origin } });
  }

  /** Call any operation of the control API. `GET /v1/openapi.json` describes them. */
  request<Answer>(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    return this.#api.call<Answer>(method, path, options);
  }

  /** Stop the companion if it was started here. One that was running already continues. May be called twice. */
  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  /** Stop it at the end of a block: `await using companion = await startCompanion()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}

/** Return the paths of fields of an event's data. */
function paths(data: object | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data ?? {}).map(([name, value]) => [`data.${name}`, value]));
}
