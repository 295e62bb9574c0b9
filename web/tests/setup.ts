import "@testing-library/jest-dom/vitest";
import { cleanup, configure } from "@testing-library/react";
import { afterEach, vi } from "vitest";

// Pages are loaded when they are opened, which takes its time where many tests run at once.
configure({ asyncUtilTimeout: 10_000 });

// What jsdom has no layout for.
globalThis.ResizeObserver = class {
  observe() {}
  unobserve() {}
  disconnect() {}
};
HTMLDialogElement.prototype.showModal = function () {
  this.open = true;
};
HTMLDialogElement.prototype.close = function () {
  this.open = false;
};
Element.prototype.scrollIntoView = () => undefined;
globalThis.scrollTo = vi.fn() as never;

afterEach(() => {
  cleanup();
  localStorage.clear();
  sessionStorage.clear();
});
