import type { Policy } from "../api/incidents";

export const WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Weekday = (typeof WEEKDAYS)[number];
export type PolicyStep = Policy["steps"][number];
export type QuietHours = NonNullable<Policy["quiet_hours"]>;
export type Quiet = QuietHours["spans"][number];
export type Unit = "s" | "m" | "h" | "d" | "w";
export const MOST_STEPS = 10;
export const MOST_SPANS = 14;

/** A policy that somebody begins with. */
export function freshPolicy(email: string): Policy {
  return { name: "", steps: [freshStep(0, email ? [email] : [])], quiet_hours: null, language: "en" };
}

/** A step at that place: the first tells at once. */
export function freshStep(place: number, emails: string[] = []): PolicyStep {
  return { emails, channels: [], after: place ? "15m" : "0m", repeat: null };
}

export function freshQuiet(timezone: string): QuietHours {
  return { timezone, spans: [freshSpan()], severities: ["info", "warning"] };
}

export function freshSpan(): Quiet {
  return { days: [...WEEKDAYS], from: "22:00", to: "08:00" };
}

/** A length of time as the API writes it, with its unit in words. */
export function lengthOf(text: string, unitOf: (unit: Unit) => string): string {
  const [, count = text, unit = ""] = /^(\d+)([smhdw])$/.exec(text) ?? [];
  return unit ? `${count}\u00a0${unitOf(unit as Unit)}` : count;
}

/** The days of some hours in the order of the week, as spans where they follow on each other. */
export function daysOf(days: readonly string[], nameOf: (day: Weekday) => string): string {
  const runs: Weekday[][] = [];
  for (const [place, day] of WEEKDAYS.entries()) {
    if (!days.includes(day)) continue;
    const last = runs.at(-1);
    if (last && place && last.at(-1) === WEEKDAYS[place - 1]) last.push(day);
    else runs.push([day]);
  }
  return runs
    .map((run) => {
      const names = run.map(nameOf);
      return names.length > 2 ? `${names[0]}–${names.at(-1)}` : names.join(", ");
    })
    .join(", ");
}
