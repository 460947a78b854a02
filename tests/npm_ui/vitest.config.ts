import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["unit/*.test.ts*"],
    environment: "jsdom",
    environmentOptions: { jsdom: { url: "http://localhost:1420" } },
  },
});
