import { defineConfig } from "@playwright/test";
import type { CompanionOptions } from "p2p-chat-companion/playwright";

const port = Number(process.env.UI_PORT);
const baseURL = `http://127.0.0.1:${port}`;

export default defineConfig<object, { companionOptions: CompanionOptions }>({
  testDir: "e2e",
  workers: 2,
  fullyParallel: true,
  use: {
    baseURL,
    companionOptions: {},
    launchOptions: { executablePath: process.env.CHROMIUM }, // the one of the system; Playwright would download one
  },
  webServer: { command: `node node_modules/vite/bin/vite.js preview --port ${port}`, url: baseURL },
});
