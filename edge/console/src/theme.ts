// Dark, light, or as the system says.
//
// Invariant: the choice is the only thing that localStorage holds, and one of three words; without a
// store (private windows) it lasts as long as the page. Refused: colours, which stand in the styles.

import { signal } from "@preact/signals";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

const NAME = "selvedge.theme";

export function stored(): Theme {
  try {
    const found = localStorage.getItem(NAME);
    return THEMES.find((theme) => theme === found) ?? "system";
  } catch {
    return "system";
  }
}

export function show(theme: Theme): void {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset.theme;
  else root.dataset.theme = theme;
}

export const theme = signal<Theme>(stored());

export function choose(next: Theme): void {
  theme.value = next;
  show(next);
  try {
    if (next === "system") localStorage.removeItem(NAME);
    else localStorage.setItem(NAME, next);
  } catch {
    // It then lasts as long as the page.
  }
}

/** Whether dark colours are shown now, and a call for every change of that. */
const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);
system.addEventListener("change", (event) => (systemIsDark.value = event.matches));

export const isDark = (): boolean =>
  theme.value === "system" ? systemIsDark.value : theme.value === "dark";
