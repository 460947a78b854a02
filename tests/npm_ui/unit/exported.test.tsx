// The handlers for MSW that `companion session export` made of chat.session.jsonl stand in for the servers.
import "./node-20";
import { setupServer } from "msw/node";
import { createRoot } from "react-dom/client";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { App } from "../src/App";
import { finished, handlers, sent } from "./exported-msw";

const server = setupServer(...handlers);
beforeAll(() => server.listen());
afterAll(() => server.close());

const element = document.createElement("div");
const shows = (text: string) => vi.waitFor(() => expect(element.textContent).toContain(text), 5_000);

function open(friend: string): void {
  for (const each of element.querySelectorAll("button")) if (each.textContent === friend) each.click();
}

async function write(text: string): Promise<void> {
  const field = await vi.waitUntil(() => element.querySelector("input"));
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")!.set!.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.form!.requestSubmit();
}

test("the exported handlers play the session, and wait for what the UI sends", async () => {
  document.body.append(element);
  const root = createRoot(element);
  root.render(<App backend={{ rest: "http://localhost:8080", events: "ws://localhost:8081/events" }} />);
  await shows("Are you there? <b>“quoted” `${x}` </script>");
  expect(element.textContent).not.toContain("Hello from Bob");
  open("alice");
  await write("Yes!");
  await shows("Hello from Bob 👋");
  await shows("bob offline");
  open("bob");
  await write("Bye, Bob");
  await finished;
  await shows("bob offline is typing");
  expect(sent.at(-1)).toEqual({ event: "POST /messages", data: { to: "bob", text: "Bye, Bob" } });
  root.unmount();
});
