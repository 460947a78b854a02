// Runs the page in Node with a virtual clock, fake sockets and fake REST. Reads one sequence of actions per line, and
// prints what a server sees of it (frames, requests, responses, connections) and the page's stores in between.
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

interface Action {
  at: number;
  do: string;
  value?: unknown;
  which?: number;
}
interface Seen {
  at: number;
  saw: string;
  [detail: string]: unknown;
}
interface Ui {
  start: () => void;
  actions: { click(peer: string): void; loadMore(): void; send(text: string): void; addFriend(name: string): void };
  useChatStore: Store;
  useContactStore: Store;
  useUIStore: Store;
}
interface Store {
  getState: () => object;
}
interface Request {
  name: string;
  body: string | null;
  answer: (status: number, content: unknown) => void;
}

const code = readFileSync(process.argv[2] ?? "", "utf8");
const globals = ["fetch", "WebSocket", "setTimeout", "clearTimeout", "setInterval", "location", "console"];
const load = new Function(...globals, `${code}; return ui;`) as (...values: unknown[]) => Ui;
const asJson = (value: object): object => JSON.parse(JSON.stringify(value)) as object;
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Timers of one page. */
class VirtualClock {
  private readonly timers = new Map<number, { at: number; every: number | null; run: () => void }>();
  private last = 0;
  constructor(public now: number) {}

  set = (run: () => void, ms: number, every: number | null = null): number => {
    this.timers.set(++this.last, { at: this.now + ms / 1000, every, run });
    return this.last;
  };
  repeat = (run: () => void, ms: number): number => this.set(run, ms, ms / 1000);
  clear = (timer: number): void => void this.timers.delete(timer);

  async advance(until: number): Promise<void> {
    for (;;) {
      const due = [...this.timers].filter(([, { at }]) => at <= until).sort(([m, a], [n, b]) => a.at - b.at || m - n)[0];
      if (!due) break;
      const [number, timer] = due;
      this.now = timer.at;
      if (timer.every === null) this.timers.delete(number);
      else timer.at += timer.every;
      timer.run();
      await settled();
    }
    this.now = until;
  }
}

class FakeSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSED = 3;
  readyState = FakeSocket.CONNECTING;
  onopen?: () => void;
  onmessage?: (event: { data: string }) => void;
  onclose?: () => void;
  send(): void {}
  close(): void {
    this.end();
  }
  end(): void {
    this.readyState = FakeSocket.CLOSED;
    this.onclose?.();
  }
}

/** One load of the page. */
class Page {
  private readonly clock: VirtualClock;
  private readonly requests: Request[] = [];
  private readonly sockets: FakeSocket[] = [];
  private readonly ui: Ui;

  constructor(search: string, now: number, private readonly see: (seen: Seen) => void) {
    this.clock = new VirtualClock(now);
    const sockets = this.sockets;
    class Socket extends FakeSocket {
      constructor() {
        super();
        sockets.push(this);
      }
    }
    const { set, clear, repeat } = this.clock;
    this.ui = load(this.fetch, Socket, set, clear, repeat, { search }, { error: () => undefined });
    this.ui.start();
  }

  private readonly fetch = (url: string, { method, body }: { method: string; body: string | null }) => {
    const { pathname: path, search } = new URL(url);
    const started = this.clock.now;
    const call = { method, path, query: search.slice(1), request: body ?? "" };
    this.see({ at: started, saw: "request", ...call });
    return new Promise((resolve) => {
      const answer = (status: number, content: unknown) => {
        const response = JSON.stringify(content);
        this.see({ at: this.clock.now, saw: "response", started, ...call, status, response });
        resolve({ ok: status < 400, json: async (): Promise<unknown> => JSON.parse(response) });
      };
      this.requests.push({ name: `${method} ${path}`, body, answer });
    });
  };

  private socket(state: number): FakeSocket | undefined {
    return this.sockets.find((each) => each.readyState === state);
  }

  get isOpen(): boolean {
    return this.socket(FakeSocket.OPEN) !== undefined;
  }

  async run(action: Action): Promise<void> {
    await this.clock.advance(action.at);
    const { at } = action;
    const text = String(action.value);
    switch (action.do) {
      case "frame": {
        const socket = this.socket(FakeSocket.OPEN);
        if (!socket) break;
        this.see({ at, saw: "frame", payload: text });
        try {
          socket.onmessage?.({ data: text });
        } catch {
          // A browser reports the error in the console, and goes on.
        }
        break;
      }
      case "open": {
        const socket = this.socket(FakeSocket.CONNECTING);
        if (!socket) break;
        this.see({ at, saw: "connected" });
        socket.readyState = FakeSocket.OPEN;
        socket.onopen?.();
        break;
      }
      case "close":
        if (this.isOpen) this.see({ at, saw: "disconnected" });
        (this.socket(FakeSocket.OPEN) ?? this.socket(FakeSocket.CONNECTING))?.end();
        break;
      case "respond": {
        const [request] = this.requests.splice(Number(action.which) % (this.requests.length || 1), 1);
        if (!request) break;
        const [status, content] = (action.value as Record<string, [number, object]>)[request.name] ?? [404, {}];
        // A new friend has the name that was asked for.
        const asked = request.name === "POST /friends" ? (JSON.parse(request.body ?? "{}") as object) : {};
        request.answer(status, status < 400 && !Array.isArray(content) ? { ...content, ...asked } : content);
        break;
      }
      case "click":
        this.ui.actions.click(text);
        break;
      case "more":
        this.ui.actions.loadMore();
        break;
      case "send":
        this.ui.actions.send(text);
        break;
      case "add":
        this.ui.actions.addFriend(text);
        break;
      case "look":
        this.see({ at, saw: "state", state: this.state() });
        break;
    }
    await settled();
  }

  private state(): object {
    const { useChatStore, useContactStore, useUIStore } = this.ui;
    return asJson({
      chatStore: useChatStore.getState(),
      contactStore: useContactStore.getState(),
      uiStore: useUIStore.getState(),
    });
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const { search, actions } = JSON.parse(line) as { search: string; actions: Action[] };
  const seen: Seen[] = [];
  let page = new Page(search, 0, (each) => seen.push(each));
  for (const action of actions) {
    if (action.do !== "reload") {
      await page.run(action);
      continue;
    }
    if (page.isOpen) seen.push({ at: action.at, saw: "disconnected" });
    seen.push({ at: action.at, saw: "reload" });
    page = new Page(search, action.at, (each) => seen.push(each));
  }
  console.log(JSON.stringify(seen));
}
