// Redirects a page that uses the companion's default addresses to a companion on other ports.

import { CompanionError } from "./errors.js";

/** Addresses in the code of the UI. With a path, as in `https://api.example.com/v1`, the path is replaced, too. */
export interface Redirect {
  /** Addresses of the event server. Default: port 8081 of 127.0.0.1 and localhost. */
  events?: readonly string[];
  /** Addresses of the REST API. Default: port 8080 of 127.0.0.1 and localhost. */
  rest?: readonly string[];
}

const DEFAULTS = {
  events: ["ws://127.0.0.1:8081", "ws://localhost:8081"],
  rest: ["http://127.0.0.1:8080", "http://localhost:8080"],
} as const;

/** An address that a page uses: its origin and the beginning of its path, and the address to use instead of both. */
export interface Redirection {
  origin: string;
  path: string;
  to: string;
}

const SCHEMES = { events: ["ws:", "wss:"], rest: ["http:", "https:"] } as const;

/**
 * Return the redirections of a page. An address without a path only replaces the origin. Throws a CompanionError for an
 * address that is not valid.
 */
export function redirections(redirect: Redirect, eventsUrl: string, restUrl: string): Redirection[] {
  const to = { events: eventsUrl, rest: restUrl };
  return (["events", "rest"] as const).flatMap((kind) => {
    if (!to[kind]) return []; // a server that is off has no address
    return (redirect[kind] ?? DEFAULTS[kind]).map((each) => {
      const from = parsed(each, kind);
      const path = from.pathname.replace(/\/$/, "");
      return { origin: from.origin, path, to: path ? to[kind] : new URL(to[kind]).origin };
    });
  });
}

function parsed(address: string, kind: keyof typeof SCHEMES): URL {
  const [scheme] = SCHEMES[kind];
  try {
    const url = new URL(address);
    if (SCHEMES[kind].some((each) => each === url.protocol)) return url;
  } catch {
    // the same error
  }
  throw new CompanionError(`redirect.${kind}: "${address}" is not an address such as ${scheme}//localhost:9000.`);
}

/**
 * Replace the addresses that a page passes to WebSocket, fetch and XMLHttpRequest. It runs in the page, before its
 * scripts, so it may not refer to anything outside of it.
 */
export function redirectPage(redirections: Redirection[]): void {
  const replaced = (address: string | URL): string => {
    const url = new URL(address, location.href);
    const found = redirections.find(
      ({ origin, path }) => origin === url.origin && `${url.pathname}/`.startsWith(`${path}/`),
    );
    return found ? found.to + url.pathname.slice(found.path.length) + url.search + url.hash : String(address);
  };
  window.WebSocket = new Proxy(window.WebSocket, {
    construct: (socket, [address, ...more]: [string | URL, ...unknown[]], made) =>
      Reflect.construct(socket, [replaced(address), ...more], made) as object,
  });
  const { fetch } = window;
  window.fetch = async (input, init) => {
    if (!(input instanceof Request)) return fetch(replaced(input), init);
    const url = replaced(input.url);
    if (url === input.url) return fetch(input, init);
    // `new Request(url, input)` would make the body a stream, which cannot be sent to a server with HTTP/1.1.
    const copy = new Request(input, init);
    const body = await copy.arrayBuffer();
    const { method, headers, mode, credentials, cache, redirect, referrerPolicy, signal } = copy;
    const options = { method, headers, mode, credentials, cache, redirect, referrerPolicy, signal };
    return fetch(url, body.byteLength ? { ...options, body } : options);
  };
  const { open } = XMLHttpRequest.prototype;
  XMLHttpRequest.prototype.open = function (this: XMLHttpRequest, method: string, url: string | URL, ...more: unknown[]) {
    return Reflect.apply(open, this, [method, replaced(url), ...more]) as void;
  };
}
