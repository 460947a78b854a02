// The UI's REST calls. A call that fails throws the text of the error.
import { API_BASE_URL, PAGE_SIZE } from "../lib/constants";
import type { Friend } from "../types/contact";
import type { Message } from "../types/message";

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(API_BASE_URL + path, {
    method,
    headers: { "Content-Type": "application/json" },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const content: unknown = await answer.json();
  if (!answer.ok) throw new Error((content as { error: string }).error);
  return content as T;
}

export interface Page {
  messages: Message[];
  has_more: boolean;
}

export type Sent = Pick<Message, "msg_id" | "delivered" | "delivery_method">;

export const api = {
  status: () => call<{ username: string }>("GET", "/status"),
  friends: () => call<Friend[]>("GET", "/friends"),
  addFriend: (username: string) => call<Friend>("POST", "/friends", { username }),
  messages: (peer: string, offset: number) =>
    call<Page>("GET", `/messages?peer=${encodeURIComponent(peer)}&limit=${PAGE_SIZE}&offset=${offset}`),
  send: (to: string, text: string) => call<Sent>("POST", "/messages", { to, text }),
};
