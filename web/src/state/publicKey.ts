import { useState } from "react";
import { useApi } from "../api/client";
import { createKey } from "../api/projects";

const kept = (project: string) => `sluice_key_${project}`;

/** Keep a public key for this tab: the server shows a key's text only once. It can do nothing but send events. */
export function keepPublicKey(project: string, key: string): void {
  sessionStorage.setItem(kept(project), key);
}

/** The public key this tab sends with: made earlier in this tab, typed, or made now. */
export function usePublicKey(project: string) {
  const api = useApi();
  const [key, setKey] = useState(() => sessionStorage.getItem(kept(project)) ?? "");
  const use = (chosen: string) => {
    keepPublicKey(project, chosen);
    setKey(chosen);
  };
  const make = async (name: string) => use(await createKey(api, project, { name, kind: "public" }));
  return { key, use, make };
}
