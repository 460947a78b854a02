// The parts of a companion: its faults, its chat state, and the state that the UI should have.
import type { ControlApi } from "./control.js";
import { NotMetError } from "./errors.js";
import type {
  ArmBody,
  Comparison,
  ComparisonBody,
  DifferenceInfo,
  FaultState,
  Flavour,
  RestFault,
  UiExpectationBody,
  UiExpectationResult,
  UiPageInfo,
  UiStateInfo,
} from "./generated/api.js";
import { printable } from "./journal.js";

const DEFAULT_WITHIN_S = 5;

export interface FaultOptions {
  /** The clients: all, user:NAME or client:NUMBER. Default: all. */
  to?: string;
  /** The seed of the random decisions of the faults. Default: a random one, which `list` returns. */
  seed?: number;
}

/** Faults that disrupt frames and REST calls on purpose. */
export class Faults {
  readonly #api: ControlApi;

  constructor(api: ControlApi) {
    this.#api = api;
  }

  /** Arm a profile by its name, or faults, for a target. They replace what was armed for it. */
  arm(what: string | NonNullable<ArmBody["faults"]>, options: FaultOptions = {}): Promise<FaultState> {
    const body: ArmBody = typeof what === "string" ? { profile: what, ...options } : { faults: what, ...options };
    return this.#api.call("PUT", "/v1/faults", { body });
  }

  /** Arm a fault of a REST route, such as `rest("POST /messages", { status: 503 })`. */
  rest(route: string, fault: Omit<RestFault, "route">, options: Pick<FaultOptions, "seed"> = {}): Promise<FaultState> {
    return this.#api.call("PUT", "/v1/faults/rest", { body: { fault: { route, ...fault }, ...options } });
  }

  /** Return the armed faults, with counts of what they have done. */
  list(): Promise<FaultState> {
    return this.#api.call("GET", "/v1/faults");
  }

  /** Clear everything, or only what is armed for a target or a REST route. */
  async clear(only: { to?: string; route?: string } = {}): Promise<void> {
    await this.#api.call("DELETE", "/v1/faults", { query: only });
  }
}

/** The chat state: friends, messages and read marks. */
export class ChatState {
  readonly #api: ControlApi;

  constructor(api: ControlApi) {
    this.#api = api;
  }

  /** Return the whole state, for `load`. */
  save(): Promise<Record<string, unknown>> {
    return this.#api.call("GET", "/v1/state");
  }

  /** Replace the whole state. After an error, nothing has changed. */
  load(state: Record<string, unknown>): Promise<void> {
    return this.#api.call("PUT", "/v1/state", { body: state });
  }

  /** Return to the friends and messages of the first start. */
  reset(): Promise<void> {
    return this.#api.call("POST", "/v1/state/reset");
  }
}

export interface UiStateOptions {
  /** The number of the client. Default: the only one that is connected. */
  client?: number;
  /** guide: a correct UI (the default); shipped: the released one. */
  flavour?: Flavour;
}

/** What the stores of the UI must contain, and what the UI reported. */
export class UiState {
  readonly #api: ControlApi;

  constructor(api: ControlApi) {
    this.#api = api;
  }

  /** Return what the stores must contain now, or just after a row of the log. */
  expected(options: UiStateOptions & { after?: number } = {}): Promise<UiStateInfo> {
    return this.#api.call("GET", "/v1/ui-state", { query: { ...options } });
  }

  /** Compare a state of the stores with the expected one. Without a state: what the UI reported last. */
  compare(
    state?: Record<string, unknown>,
    options: UiStateOptions & Pick<ComparisonBody, "partial" | "after" | "limit"> = {},
  ): Promise<Comparison> {
    const body: ComparisonBody = { ...options, ...(state && { state }) };
    return this.#api.call("POST", "/v1/ui-state/compare", { body, waits: DEFAULT_WITHIN_S });
  }

  /** Report what the stores of the UI contain now. */
  report(state: Record<string, unknown>, options: { client?: number; partial?: boolean } = {}): Promise<void> {
    return this.#api.call("PUT", "/v1/ui-state/reported", { query: { ...options }, body: state });
  }

  /** Wait until the reported state meets conditions, such as `chat.activeChat=alice`. Throws a NotMetError. */
  async expect(
    conditions: string | string[],
    options: Omit<UiExpectationBody, "conditions"> = {},
  ): Promise<UiExpectationResult> {
    const within = options.within ?? DEFAULT_WITHIN_S;
    const body: UiExpectationBody = { ...options, conditions: [conditions].flat(), within };
    const result = await this.#api.call<UiExpectationResult>("POST", "/v1/ui-state/expect", { body, waits: within });
    if (result.met) return result;
    let why = result.has_reported ? differencesText(result.differences) : "The UI has not reported its state.";
    if (result.client === null) why = result.why_no_client || "No client is connected.";
    throw new NotMetError(`The UI's state is not as expected within ${within} s.\n${why}`, result);
  }

  /** Return the pages whose state can be computed. */
  clients(): Promise<UiPageInfo[]> {
    return this.#api.call("GET", "/v1/ui-state/clients");
  }
}

/** Return differences as lines that people read. */
export function differencesText(differences: readonly DifferenceInfo[]): string {
  const text = (value: unknown) => JSON.stringify(value) ?? "nothing";
  return differences
    .map((each) => printable(`${each.path}: expected ${text(each.expected)}, the UI has ${text(each.reported)}`))
    .join("\n");
}
