/** The moment at which the clocks of a time zone show a day and a time of day; where they skip it, right after. */
export function instantOf(date: string, time: string, timezone: string): Date {
  const wall = Date.parse(`${date}T${time || "00:00"}:00Z`);
  const guess = wall - offsetAt(wall, timezone);
  return new Date(wall - offsetAt(guess, timezone));
}

/** What those clocks show at a moment. */
export function wallOf(moment: string, timezone: string): { date: string; time: string } {
  const at = Date.parse(moment);
  const shown = new Date(at + offsetAt(at, timezone)).toISOString();
  return { date: shown.slice(0, 10), time: shown.slice(11, 16) };
}

/** By how many milliseconds the clocks of a zone are ahead of UTC. */
function offsetAt(moment: number, timezone: string): number {
  const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: timezone, dateStyle: "short", timeStyle: "medium" });
  return Date.parse(`${parts.format(moment).replace(" ", "T")}Z`) - Math.floor(moment / 1000) * 1000;
}
