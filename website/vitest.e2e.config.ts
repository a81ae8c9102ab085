import { defineConfig } from "vitest/config";

/** What is run on the built page in a real browser: the tests, or with --mode what has that name in e2e/. */
export default defineConfig(({ mode }) => ({
  test: {
    include: mode === "test" ? ["e2e/**/*.test.ts"] : [`e2e/${mode}.run.ts`],
    environment: "node",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 90_000,
  },
}));
