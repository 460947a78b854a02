// Redirects a page that uses the companion's default addresses to a companion on other ports.

export interface Redirect {
  /** Addresses of the event server in the code of the UI. Default: port 8081 of 127.0.0.1 and localhost. */
  events?: readonly string[];
  /** Addresses of the REST API in the code of the UI. Default: port 8080 of 127.0.0.1 and localhost. */
  rest?: readonly string[];
}

const DEFAULTS = {
  events: ["ws://127.0.0.1:8081", "ws://localhost:8081"],
  rest: ["http://127.0.0.1:8080", "http://localhost:8080"],
} as const;

/** Return pairs: the origin that the page uses, and the one to use instead. */
export function redirections(redirect: Redirect, eventsUrl: string, restUrl: string): [string, string][] {
  const pairs = (from: readonly string[], to: string): [string, string][] =>
    to ? from.map((each) => [new URL(each).origin, new URL(to).origin]) : []; // a server that is off has no address
  return [
    ...pairs(redirect.events ?? DEFAULTS.events, eventsUrl),
    ...pairs(redirect.rest ?? DEFAULTS.rest, restUrl),
  ].filter(([from, to]) => from !== to);
}

/**
 * Replace origins in the addresses that a page passes to WebSocket, fetch and XMLHttpRequest. It runs in the page, before
 * its scripts, so it may not refer to anything outside of it.
 */
export function redirectPage(pairs: [string, string][]): void {
  const replaced = (address: string | URL): string => {
    const url = new URL(address, location.href);
    const to = pairs.find(([from]) => from === url.origin)?.[1];
    return to === undefined ? String(address) : to + url.pathname + url.search + url.hash;
  };
  window.WebSocket = new Proxy(window.WebSocket, {
    construct: (socket, [address, ...more]: [string | URL, ...unknown[]], made) =>
      Reflect.construct(socket, [replaced(address), ...more], made) as object,
  });
  const { fetch } = window;
  window.fetch = (input, init) => {
    if (!(input instanceof Request)) return fetch(replaced(input), init);
    const url = replaced(input.url);
    return fetch(url === input.url ? input : new Request(url, input), init);
  };
  const { open } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, method: string, url: string | URL, ...more: unknown[]) {
    return Reflect.apply(open, this, [method, replaced(url), ...more]) as void;
  };
}
