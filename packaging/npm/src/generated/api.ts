// The JSON types of the control API. Written by packaging/npm/generate.py: do not edit.

/** An event (guide §2). */
export interface EventBody {
  event: string;
  data: { [key: string]: unknown };
}

/** The event to fire: one of ``event``, ``fixture`` and ``last``, changed by ``set`` and ``remove``. */
export interface TriggerBody {
  /** Name of an event */
  event?: string;
  /** Name of a fixture */
  fixture?: string;
  /** Fire the last event again, unchanged */
  last?: boolean;
  /** Values to set: path → JSON value */
  set?: { [key: string]: unknown };
  /** Paths to remove */
  remove?: string[];
  /** Value of {{persona}}; empty: the first friend */
  persona?: string;
  seed?: number | null;
  /** The recipients: all, user:NAME, client:NUMBER or client:1,2 */
  to?: string | null;
  /** Seconds to wait for a ready client of the target; 0: do not wait */
  wait?: number;
  /** If false, fire even an event that violates the contract */
  strict?: boolean;
  /** Wait for what the fixture expects of the UI; if false, respond at once */
  expect?: boolean;
}

/** The result of firing an event. */
export interface Fired {
  /** Number of its row in the log */
  seq: number;
  /** Number of clients that it was sent to */
  delivered: number;
  /** Numbers of these clients */
  clients: number[];
  warnings: string[];
  /** What happened in words, for example that faults act on it */
  note: string;
  /** The fixture's expectation in words */
  expected?: string;
  /** The result of the fixture's expectation, if it has one */
  expectation?: Expected;
}

/** The result of an expectation. */
export interface Expected {
  met: boolean;
  /** Seconds until the event arrived, or until the timeout */
  after_s: number;
  row: JournalRow | null;
  /** Client events that did not match */
  received_instead: JournalRow[];
  /** Deprecated: the same as received_instead */
  instead: JournalRow[];
  /** The latest row that arrived before the request and matches; after counts it */
  earlier?: JournalRow | null;
  /** If nothing was received: that no client is connected, and whether a page is refused */
  why_no_client?: string;
}

/** One row of the journal. */
export interface JournalRow {
  seq: number;
  /** ISO 8601 */
  time: string;
  /** Monotonic time in seconds */
  mono?: number;
  direction: "c2s" | "s2c" | "server";
  /** Number of the client that sent the frame, or target of a frame to the UI */
  client: string;
  /** The user that the client acts as, if the row is from, to or about a single client */
  user: string;
  event: string;
  /** The frame's text */
  frame: string;
  /** The frame's bytes in base64 if they are not UTF-8, else empty */
  base64?: string;
  /** Bytes */
  size: number;
  verdict: "invalid" | "ok" | "warning";
  note: string;
  origin: string;
  /** The text that an event file gives the event; else empty */
  summary?: string;
  /** Ids of the clients that a frame to the UI was sent to */
  recipients?: number[];
  pinned?: boolean;
  /** The user's annotation */
  annotation?: string;
  /** Rules of the lint that the row violates, soon after it was added */
  lint?: string[];
}

/** The expected event or REST call, and the timeout. */
export interface ExpectationBody {
  /** Name of a client event, or a REST call such as POST /messages; empty: any except GET requests */
  event?: string;
  /** User name or client:NUMBER; empty: any */
  sender?: string;
  /** Required values: path → JSON value */
  where?: { [key: string]: unknown };
  /** Timeout in seconds */
  within?: number;
  /** Also match rows after this one; if omitted, only new rows */
  after?: number | null;
  /** Reject an expectation that no valid event can meet */
  strict?: boolean;
}

/** Rows, oldest first. To read the next page, pass ``next_after`` as ``after``, and ``run``. */
export interface JournalPage {
  rows: JournalRow[];
  next_after: number;
  last_seq: number;
  dropped: number;
  /** Changes when the companion is restarted. The numbers of rows then begin at 1 again. */
  run: string;
}

/** The session to play (``name`` or ``text``), and how. */
export interface RunBody {
  /** 0.25 to 16, or max: as fast as possible */
  speed?: number | "max";
  max_idle?: number | null;
  /** Wait before each step until the next one is requested */
  step?: boolean;
  seed?: number | null;
  at?: string | null;
  /** Recipients instead of all */
  to?: string;
  /** Begin at this mark */
  mark?: string;
  from_row?: number | null;
  timeout?: number | null;
  /** Wait for what the UI sent in a recording before going on */
  sync?: boolean;
  /** Send every recorded frame as it was, and nothing else */
  exact?: boolean;
  /** Keep the chat state of the session if each step could be played, not the one before */
  keep?: boolean;
  /** A saved session; or the name of text in the log */
  name?: string;
  /** The text of a session; omit it for a saved one */
  text?: string | null;
  /** chat: a transcript; lines: a header and one step per line as JSON */
  notation?: "chat" | "lines";
  /** With text: the content of the files that steps load, by their name */
  files?: { [key: string]: unknown };
}

/** A run of a session. */
export interface RunInfo {
  number: number;
  name: string;
  title: string;
  state: "error" | "failed" | "passed" | "paused" | "running" | "stopped";
  seed: number;
  /** Steps played so far, with those inside repeats and rules, each time */
  steps: number;
  /** Of the total_steps, those played so far */
  outermost_steps: number;
  /** Steps of the session, without those inside repeats and rules */
  total_steps: number;
  /** Line of the step that is being played; 0 if there is none */
  line: number;
  /** Events fired */
  events: number;
  /** Expectations met */
  met: number;
  /** Expectations not met */
  unmet: number;
  /** The last 1000, unless others are asked for */
  results: ResultInfo[];
  error: string;
  /** Seconds that the run took; 0 while it plays */
  elapsed: number;
  /** Grows with each change of the run */
  version: number;
  /** Whether it uses a chat state of its own, which is discarded when it ends */
  own_state?: boolean;
  /** What it fired and was not sent when it ended, and warnings about steps */
  note?: string;
  /** The step that waits for the UI now, in words, or empty */
  waits_for?: string;
  /** The files that steps saved; only in GET /v1/runs/{number}, when it has ended, and until later runs have saved 128 MB */
  files?: { [key: string]: unknown };
}

/** The outcome of an expectation, or of a step that failed. */
export interface ResultInfo {
  line: number;
  text: string;
  met: boolean;
  /** Seconds */
  took: number;
  detail: string;
}

/** Faults, or the name of a profile. */
export interface ArmBody {
  /** all, user:NAME or client:NUMBER */
  to?: string;
  faults?: (Latency | Bandwidth | Loss | Duplicate | Reorder | Truncate | Corrupt | Stall | Limit)[];
  /** Name of a profile, instead of faults */
  profile?: string;
  seed?: number | null;
}

/** Delays each frame by ``ms``, plus or minus up to ``jitter``. The order of the frames is kept. */
export interface Latency {
  fault: "latency";
  direction?: "both" | "from_ui" | "to_ui";
  only?: string;
  ms: number;
  jitter?: number;
}

/** Limits the payload to ``rate`` kilobytes per second. Frames that have to wait keep their order. */
export interface Bandwidth {
  fault: "bandwidth";
  direction?: "both" | "from_ui" | "to_ui";
  only?: string;
  rate: number;
}

/** Drops frames. ``correlation`` groups the losses in bursts, and does not change how many frames are lost. */
export interface Loss {
  fault: "loss";
  direction?: "both" | "from_ui" | "to_ui";
  only?: string;
  rate: number;
  correlation?: number;
}

/** Sends a frame twice. */
export interface Duplicate {
  fault: "duplicate";
  direction?: "both" | "from_ui" | "to_ui";
  only?: string;
  rate?: number;
}

/** Sends a frame after up to ``window`` later ones; if none follow within 2 s, it is sent then. */
export interface Reorder {
  fault: "reorder";
  direction?: "both" | "from_ui" | "to_ui";
  only?: string;
  window?: number;
  rate?: number;
}

/** Cuts the payload after ``bytes``, or at a random place. It stays valid UTF-8. */
export interface Truncate {
  fault: "truncate";
  direction?: "both" | "from_ui" | "to_ui";
  only?: string;
  bytes?: number | null;
  rate?: number;
}

/** Replaces one character of the payload by another one, or by a byte that is not UTF-8 if ``utf8`` is false. */
export interface Corrupt {
  fault: "corrupt";
  direction?: "both" | "from_ui" | "to_ui";
  only?: string;
  rate?: number;
  utf8?: boolean;
}

/** After every ``after`` frames, sends nothing for some milliseconds. Frames wait meanwhile. */
export interface Stall {
  fault: "stall";
  direction?: "both" | "from_ui" | "to_ui";
  only?: string;
  after: number;
  for: number;
}

/** After every ``frames`` frames, closes the connection with ``code``, or resets it. */
export interface Limit {
  fault: "limit";
  direction?: "both" | "from_ui" | "to_ui";
  only?: string;
  frames: number;
  then?: "close" | "reset";
  code?: number;
}

/** What happens to the REST calls of a route. Several parameters act together. */
export interface RestFault {
  /** "POST /messages"; * stands for any method or text */
  route: string;
  rate?: number;
  count?: number | null;
  /** Milliseconds before the answer */
  delay?: number;
  /** The largest random change of the delay, in milliseconds */
  jitter?: number;
  status?: number | null;
  /** The body of that answer */
  body?: string;
  /** Reset the connection; the call changes nothing */
  offline?: boolean;
  /** Never answer; the call changes nothing */
  hang?: boolean;
  /** Cut the JSON of the answer */
  wrong_json?: boolean;
  /** Leave out the header that lets a page read the answer */
  no_cors?: boolean;
}

/** All faults that are armed. */
export interface FaultState {
  frames: ArmedInfo[];
  rest: ArmedRestInfo[];
}

/** Faults that are armed for a target. */
export interface ArmedInfo {
  number: number;
  to: string;
  profile: string;
  seed: number;
  faults: (Latency | Bandwidth | Loss | Duplicate | Reorder | Truncate | Corrupt | Stall | Limit)[];
  /** Connected clients that they act on */
  clients: number[];
  /** Frames that they have decided about */
  seen: number;
  /** How often each kind of fault has acted */
  acted: { [key: string]: number };
}

/** A fault that is armed for a REST route. */
export interface ArmedRestInfo {
  fault: RestFault;
  seed: number;
  /** Calls of the route */
  seen: number;
  /** Calls that it has acted on */
  acted: number;
}

/** How many targets and routes had faults. */
export interface Cleared {
  cleared: number;
}

/** What the UI's stores must contain. A value that only the UI's own clock decides is null. */
export interface UiStateInfo {
  client: number;
  flavour: Flavour;
  /** Number of the last row that was taken into account */
  seq: number;
  /** Whether all rows since the page connected are still in the log */
  complete: boolean;
  /** Whether REST calls may belong to another page */
  rest_is_guess: boolean;
  stores: { [key: string]: unknown };
}

/** Which UI the stores belong to. */
export type Flavour = "guide" | "shipped";

/** What to compare with the expected state. Without a state, the one that the UI reported last. */
export interface ComparisonBody {
  client?: number | null;
  /** guide: a correct UI; shipped: the released UI */
  flavour?: Flavour;
  state?: { [key: string]: unknown } | null;
  /** Compare only the values in the state, such as those on the screen */
  partial?: boolean;
  /** Only deviations that began after this row */
  after?: number;
  /** Return at most this many differences */
  limit?: number;
}

/**
 * The result of a comparison: the first differences, in the order of the stores.
 *
 * ``deviations`` are those of the states that the UI reported since its page was loaded, in the order of the rows.
 * They are kept if the UI is correct again.
 */
export interface Comparison {
  client: number;
  equal: boolean;
  differences: DifferenceInfo[];
  deviations: DeviationInfo[];
}

/** A value that differs. A missing value is null. */
export interface DifferenceInfo {
  path: string;
  expected: unknown;
  reported: unknown;
}

/** A value that the UI reported wrongly, and the row of the log after which it began to. */
export interface DeviationInfo {
  /** Number of the row */
  seq: number;
  /** If higher than seq: it began after one of the rows up to this one */
  last_seq: number;
  /** What the row is, or what happened after it */
  title: string;
  path: string;
  expected: unknown;
  reported: unknown;
}

/** What the state that the UI reports must fulfil. */
export interface UiExpectationBody {
  client?: number | null;
  /** Each: PATH=VALUE */
  conditions?: string[];
  /** Whether it must also equal the expected state */
  equal?: boolean;
  /** guide: a correct UI; shipped: the released UI */
  flavour?: Flavour;
  /** Only states that were reported after this row */
  after?: number;
  /** Seconds to wait */
  within?: number;
}

/** Whether the reported state fulfils the expectation, and what is still different. */
export interface UiExpectationResult {
  /** Null if no client was connected */
  client: number | null;
  met: boolean;
  /** Whether the UI has reported its state, after the given row */
  has_reported: boolean;
  differences: DifferenceInfo[];
  /** That no client is connected, and whether a page was refused; empty if one is */
  why_no_client?: string;
}

/** A page of the UI. ``client`` is the number of its newest connection. */
export interface UiPageInfo {
  client: number;
  user: string;
  connected: boolean;
  /** Whether it can be expected to show events */
  ready: boolean;
  origin: string;
  /** Whether REST calls may belong to another page */
  rest_is_guess: boolean;
  /** Whether the UI has reported its state */
  has_reported: boolean;
}

/** A connected client. ``connected_at`` is in seconds since the epoch. */
export interface ClientInfo {
  id: number;
  username: string;
  origin: string;
  user_agent: string;
  connected_at: number;
  frames_in: number;
  frames_out: number;
  bytes_in: number;
  bytes_out: number;
  queued_bytes: number;
  ping_s: number;
  /** Whether the client is ready to show events */
  ready: boolean;
  /** null: nothing was sent, or its row is no longer in the log */
  last_sent: LastSentInfo | null;
  /** Frames from and to it in each of the last 30 seconds, the latest last */
  frames_per_s: number[];
}

/** The last event that a client was sent. */
export interface LastSentInfo {
  /** Number of its row in the log */
  seq: number;
  event: string;
  /** When it was sent, in seconds since the epoch */
  at: number;
}

/** The state of the companion. */
export interface Status {
  version: string;
  pid: number;
  /** Whether the companion has a window; false for companion serve */
  window: boolean;
  username: string;
  state: "listening" | "paused" | "port busy" | "stopped";
  clients: number;
  events: ServerSummary;
  rest: ServerSummary;
  control: ServerSummary;
  /** All servers, in the order in which they start */
  services: ServiceInfo[];
  journal: JournalState;
  /** Connections that are refused on purpose */
  refusals: RefusalInfo[];
  /** Whether the chat state is lost when the companion ends */
  in_memory: boolean;
  /** Problems the user should know about, such as a damaged file */
  warnings: string[];
  /** Deprecated: the same as warnings */
  complaints: string[];
  /** The warning about a page whose origin is not allowed, or empty */
  refused_page: string;
}

/** A server. ``error`` is the reason if it could not start, else empty. */
export interface ServerSummary {
  url: string;
  wanted: boolean;
  listening: boolean;
  error: string;
  /** Deprecated: the same as error */
  trouble: string;
}

/** A server. ``error`` is the reason if it could not start, else empty. */
export interface ServiceInfo {
  /** events, rest, control, … */
  name: string;
  title: string;
  url: string;
  wanted: boolean;
  listening: boolean;
  error: string;
}

/** The size of the journal. */
export interface JournalState {
  rows: number;
  first_seq: number;
  last_seq: number;
  dropped: number;
  /** Changes when the companion is restarted. The numbers of rows then begin at 1 again. */
  run: string;
  /** Whether successful GET requests of the UI are logged */
  log_get_requests: boolean;
}

/** Connections that will be refused. */
export interface RefusalInfo {
  mode: string;
  /** How many connections; null: all for the time that is left */
  left: number | null;
  /** After this time, connections are accepted in any case */
  seconds_left: number;
  /** How many were refused so far */
  refused: number;
  /** Only connections of the pages of this origin; null: of all */
  page: string | null;
  /** What armed it: control, panel, scenario … */
  by: string;
  text: string;
}

/** Why a request failed, and what to do (RFC 9457). */
export interface Problem {
  type?: string;
  title: string;
  status: number;
  detail: string;
  problems?: ProblemPart[];
}

/** One problem, and its path in the request. */
export interface ProblemPart {
  path: string;
  message: string;
}
