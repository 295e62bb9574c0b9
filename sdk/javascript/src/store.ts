import type { Persistence } from "./types";

/** Texts by name, kept on the device where that is allowed and possible, else in memory. */
export interface Store {
  get(name: string): string | null;
  set(name: string, value: string): void;
  remove(name: string): void;
  names(prefix: string): string[];
}

function memory(): Store {
  const kept = new Map<string, string>();
  return {
    get: (name) => kept.get(name) ?? null,
    set: (name, value) => void kept.set(name, value),
    remove: (name) => void kept.delete(name),
    names: (prefix) => [...kept.keys()].filter((name) => name.startsWith(prefix)),
  };
}

/** localStorage throws where the browser forbids or has filled it up: then the memory of this page takes over. */
export function openStore(persistence: Persistence): Store {
  const fallback = memory();
  if (persistence === "memory") return fallback;
  let storage: Storage;
  try {
    storage = globalThis.localStorage;
    storage.setItem("sluice_probe", "1");
    storage.removeItem("sluice_probe");
  } catch {
    return fallback;
  }
  return {
    get: (name) => fallback.get(name) ?? storage.getItem(name),
    set(name, value) {
      try {
        storage.setItem(name, value);
        fallback.remove(name);
      } catch {
        fallback.set(name, value);
      }
    },
    remove(name) {
      storage.removeItem(name);
      fallback.remove(name);
    },
    names: (prefix) => Object.keys(storage).filter((name) => name.startsWith(prefix)),
  };
}
