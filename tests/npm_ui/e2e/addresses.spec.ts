// A UI whose code contains other addresses, also with paths: they are redirected to the companion.
import { redirections } from "../node_modules/p2p-chat-companion/dist/redirect.js";
import { expect, test } from "p2p-chat-companion/playwright";

test.use({
  companionOptions: {
    redirect: { events: ["wss://chat.example.com/socket/"], rest: ["https://api.example.com/v1", "http://localhost:9/v1"] },
  },
});

test("addresses with paths are redirected", async ({ page, companion }) => {
  await page.goto("/");
  const found = await page.evaluate(async () => {
    const socket = new WebSocket("wss://chat.example.com/socket?username=bob");
    await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
    const name = async (url: string | Request) => ((await (await fetch(url)).json()) as { username: string }).username;
    const posted = new Request("https://api.example.com/v1/messages", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ to: "alice", text: "Hello" }),
    });
    const stored = (await (await fetch(posted)).json()) as { msg_id: string };
    const asked = await name(new Request("https://api.example.com/v1/status"));
    const other = await fetch("http://localhost:9/v10/status").then(
      () => "redirected",
      () => "not redirected",
    );
    return [socket.url, await name("https://api.example.com/v1/status?x=1"), await name("http://localhost:9/v1/status"), asked, typeof stored.msg_id, other];
  });
  expect(found).toEqual([`${companion.eventsUrl}?username=bob`, "me", "me", "me", "string", "not redirected"]);
});

test("an address that is not valid is reported in a sentence", () => {
  for (const address of ["localhost:9000", "http://localhost:9000", ""]) {
    expect(() => redirections({ events: [address] }, "ws://127.0.0.1:1/events", "")).toThrow(
      `redirect.events: "${address}" is not an address such as ws://localhost:9000.`,
    );
  }
});
