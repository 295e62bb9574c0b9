import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";
import { parseView, type View } from "./search";

/** The view in the address, and how to change a part of it: `undefined` is the usual again. */
export function useView(): { view: View; change: (part: Partial<View>) => void } {
  const view = parseView(useSearch({ strict: false }) as Record<string, unknown>);
  const navigate = useNavigate();
  const change = useCallback(
    (part: Partial<View>) => {
      void navigate({
        to: ".",
        search: (old: Record<string, unknown>) => parseView({ ...old, ...part }) as never,
        replace: false,
      });
    },
    [navigate],
  );
  return { view, change };
}
