import { defineConfig } from "vitest/config";

/** `build` makes the module, `build --mode script` the file for a script tag. */
export default defineConfig(({ mode }) => ({
  build:
    mode === "script"
      ? {
          emptyOutDir: false,
          lib: { entry: "src/script.ts", formats: ["iife"], name: "_sluice", fileName: () => "sluice.js" },
          target: "es2020",
        }
      : { lib: { entry: "src/index.ts", formats: ["es"], fileName: () => "index.js" }, target: "es2020" },
  test: { environment: "jsdom", include: ["tests/**/*.test.ts"], restoreMocks: true },
}));
