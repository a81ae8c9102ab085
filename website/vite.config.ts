import { defineConfig } from "vitest/config";

export default defineConfig({
  build: {
    target: "es2022",
    // Every file has a name with a hash and comes from the site itself, as its content security policy demands.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // `npm run dev` beside `make demo`.
    proxy: { "/api": "http://localhost:8080" },
  },
  test: {
    include: ["src/**/*.test.ts"],
    environment: "node",
  },
});
