import { useState } from "react";
import { keep, kept } from "./kept";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
const KEPT = "sluice_theme"; // public/theme.js reads it before the first paint

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, set] = useState<Theme>(() => THEMES.find((one) => one === kept(KEPT)) ?? "system");
  const choose = (chosen: Theme) => {
    set(chosen);
    if (chosen === "system") {
      keep(KEPT, null);
      delete document.documentElement.dataset.theme;
    } else {
      keep(KEPT, chosen);
      document.documentElement.dataset.theme = chosen;
    }
  };
  return [theme, choose];
}
