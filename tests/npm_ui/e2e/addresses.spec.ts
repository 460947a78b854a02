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
    const name = async (url: string) => ((await (await fetch(url)).json()) as { username: string }).username;
    const other = await fetch("http://localhost:9/v10/status").then(
      () => "redirected",
      () => "not redirected",
    );
    return [socket.url, await name("https://api.example.com/v1/status?x=1"), await name("http://localhost:9/v1/status"), other];
  });
  expect(found).toEqual([`${companion.eventsUrl}?username=bob`, "me", "me", "not redirected"]);
});

test("an address that is not valid is reported in a sentence", () => {
  for (const address of ["localhost:9000", "http://localhost:9000", ""]) {
    expect(() => redirections({ events: [address] }, "ws://127.0.0.1:1/events", "")).toThrow(
      `redirect.events: "${address}" is not an address such as ws://localhost:9000.`,
    );
  }
});
