import { useSyncExternalStore } from "react";
import { useApi } from "../api/client";
import type { SignedIn } from "../api/session";

export function useSignedIn(): SignedIn {
  const { session } = useApi();
  return useSyncExternalStore(session.subscribe, session.current);
}
