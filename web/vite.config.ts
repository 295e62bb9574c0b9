import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env.SLUICE_URL ?? "http://localhost:8080";

export default defineConfig({
  base: "/app/",
  plugins: [react()],
  resolve: { alias: { "@sluice/browser": fileURLToPath(new URL("../sdk/javascript/src/index.ts", import.meta.url)) } },
  // Nothing may be inlined: the app's Content-Security-Policy allows neither inline scripts nor data: fonts.
  build: {
    outDir: process.env.SLUICE_DIST ?? "dist",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // The pages' help is in docs, the library in sdk.
  server: { fs: { allow: [".."] }, proxy: { "/api": server, "/sluice.js": server } },
  test: {
    environment: "jsdom",
    include: ["tests/**/*.test.{ts,tsx}"],
    setupFiles: ["tests/setup.ts"],
    restoreMocks: true,
    unstubGlobals: true,
    testTimeout: 30_000,
  },
});
