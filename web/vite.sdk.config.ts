import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

/** `/sluice.js`, the file for a script tag, beside the app. */
export default defineConfig({
  publicDir: false,
  build: {
    outDir: process.env.SLUICE_DIST ?? "dist",
    emptyOutDir: false,
    target: "es2020",
    lib: {
      entry: fileURLToPath(new URL("../sdk/javascript/src/script.ts", import.meta.url)),
      formats: ["iife"],
      name: "_sluice",
      fileName: () => "sluice.js",
    },
  },
});
