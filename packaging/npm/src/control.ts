// The HTTP client of the control API.
import { request } from "node:http";
import { CompanionError, RequestError } from "./errors.js";
import type { Problem } from "./generated/api.js";

/** Where a control API is, and the token that it needs. */
export interface Access {
  /** Such as http://127.0.0.1:8082 */
  url: string;
  token: string;
}

export interface RequestOptions {
  /** Parameters of the query. Those that are undefined are left out. */
  query?: Record<string, string | number | boolean | undefined>;
  /** The body, sent as JSON; a text is sent as it is. */
  body?: unknown;
  /** Seconds that the companion may take longer than usual, because it waits for something. */
  waits?: number;
}

const TIMEOUT_S = 30;
const MAX_ANSWER_BYTES = 256 * 1024 * 1024;
const LOOPBACK = /^http:\/\/(127\.0\.0\.1|localhost|\[::1\]):[0-9]{1,5}$/;

/** Sends requests to one companion. */
export class ControlApi {
  readonly access: Access;

  constructor(access: Access) {
    this.access = { url: access.url, token: access.token.trim() };
    if (!LOOPBACK.test(access.url)) {
      throw new CompanionError(`${access.url} is not the address of a control API. Write it as http://127.0.0.1:8082.`);
    }
    // Errors of Node.js and of other programs must not show it.
    if (!/^[!-~]+$/.test(this.access.token)) {
      throw new CompanionError("The token contains other characters than letters, digits and symbols. `companion token` prints it.");
    }
  }

  /** Send a request and return the JSON of the answer. Throws a RequestError with the sentence of the control API. */
  async call<Answer>(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const { status, text } = await this.#send(method, path, options);
    if (status >= 400) throw new RequestError(problem(status, text), status);
    try {
      return (text ? JSON.parse(text) : undefined) as Answer;
    } catch {
      throw new CompanionError(`The program at ${this.access.url} is not a companion: its answer is not JSON.`);
    }
  }

  #send(method: string, path: string, { query = {}, body, waits = 0 }: RequestOptions): Promise<Answer> {
    const address = new URL(path, this.access.url);
    // Such as //example.com/v1/status: the token is for the companion only.
    if (address.origin !== new URL(this.access.url).origin) {
      throw new CompanionError(`The path ${JSON.stringify(path)} names another address. Write it as /v1/status.`);
    }
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) address.searchParams.set(name, typeof value === "boolean" ? String(+value) : `${value}`);
    }
    const headers: Record<string, string> = { Authorization: `Bearer ${this.access.token}` };
    const payload = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body);
    if (payload !== undefined) {
      headers["Content-Type"] = typeof body === "string" ? "text/plain; charset=utf-8" : "application/json";
      headers["Content-Length"] = String(Buffer.byteLength(payload));
    }
    return new Promise((resolve, reject) => {
      const failed = (error: Error) =>
        reject(new CompanionError(`The companion at ${this.access.url} does not answer: ${error.message}.`));
      const timeout = 1_000 * (TIMEOUT_S + waits);
      // Without an agent, so that no connection is kept open after the last request.
      const sent = request(address, { method, headers, timeout, agent: false }, (response) => {
        const parts: Buffer[] = [];
        let size = 0;
        response.on("data", (part: Buffer) => {
          parts.push(part);
          size += part.length;
          if (size > MAX_ANSWER_BYTES) response.destroy(new Error(`its answer has more than ${MAX_ANSWER_BYTES >> 20} MB`));
        });
        response.on("error", failed);
        response.on("end", () => {
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() });
        });
      });
      sent.on("timeout", () => sent.destroy(new Error(`no answer within ${timeout / 1_000} s`)));
      sent.on("error", failed);
      sent.end(payload);
    });
  }
}

interface Answer {
  status: number;
  text: string;
}

/** Return the sentences of an error response. */
function problem(status: number, text: string): string {
  if (status === 401) return "The running companion rejected the token.";
  try {
    const { detail, problems } = JSON.parse(text) as Problem;
    if (problems?.length) return problems.map((each) => `${each.path}: ${each.message}`).join("\n");
    if (detail) return detail;
  } catch {
    // not the JSON of an error
  }
  return `Unexpected response (HTTP status ${status}): the running companion may have a different version.`;
}
