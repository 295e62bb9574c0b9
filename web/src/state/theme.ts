import { useState } from "react";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
const KEPT = "sluice_theme"; // public/theme.js reads it before the first paint

export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, set] = useState<Theme>(() => THEMES.find((one) => one === localStorage.getItem(KEPT)) ?? "system");
  const choose = (chosen: Theme) => {
    set(chosen);
    if (chosen === "system") {
      localStorage.removeItem(KEPT);
      delete document.documentElement.dataset.theme;
    } else {
      localStorage.setItem(KEPT, chosen);
      document.documentElement.dataset.theme = chosen;
    }
  };
  return [theme, choose];
}
