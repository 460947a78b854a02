// The part of Cypress' types that the manual's recipe uses: Cypress itself is too large for the tests.
declare module "cypress" {
  interface Config {
    e2e: {
      baseUrl?: string;
      setupNodeEvents(
        on: {
          (event: "after:run", action: () => Promise<void>): void;
          (event: "task", tasks: Record<string, (argument: any) => unknown>): void;
        },
        config: { env: Record<string, unknown> },
      ): Promise<unknown>;
    };
  }
  export function defineConfig(config: Config): Config;
}
