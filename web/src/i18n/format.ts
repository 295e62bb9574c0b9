/** Numbers and times as the reader's language writes them. Texts of the API like 2026-11-20T00:00:00+01:00 stay local. */

export function formatNumber(value: number, language: string, options: Intl.NumberFormatOptions = {}): string {
  return new Intl.NumberFormat(language, { maximumFractionDigits: 2, ...options }).format(value);
}

export function formatCompact(value: number, language: string): string {
  if (Math.abs(value) < 10_000) return formatNumber(value, language);
  return formatNumber(value, language, { notation: "compact", maximumFractionDigits: 1 });
}

export function formatPercent(share: number, language: string, signed = false): string {
  const digits = Math.abs(share) < 0.1 ? 1 : 0;
  return new Intl.NumberFormat(language, {
    style: "percent",
    maximumFractionDigits: digits,
    signDisplay: signed ? "exceptZero" : "auto",
  }).format(share);
}

const PARTS: Record<string, Intl.DateTimeFormatOptions> = {
  minute: { hour: "2-digit", minute: "2-digit" },
  hour: { hour: "2-digit", minute: "2-digit" },
  day: { day: "numeric", month: "short" },
  week: { day: "numeric", month: "short" },
  month: { month: "short", year: "numeric" },
};

/** The wall clock of the text: its offset is that of the project's time zone, not of the reader's. */
function wall(point: string): Date {
  return new Date(`${point.slice(0, 19)}Z`);
}

/** A bucket's begin, short for an axis. */
export function formatTick(point: string, interval: string, language: string): string {
  return new Intl.DateTimeFormat(language, { ...PARTS[interval], timeZone: "UTC" }).format(wall(point));
}

/** A bucket's begin in full. */
export function formatPoint(point: string, interval: string, language: string): string {
  const options: Intl.DateTimeFormatOptions =
    interval === "month"
      ? { month: "long", year: "numeric" }
      : interval === "day" || interval === "week"
        ? { weekday: "short", day: "numeric", month: "long", year: "numeric" }
        : { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  return new Intl.DateTimeFormat(language, { ...options, timeZone: "UTC" }).format(wall(point));
}

export function formatMoment(moment: string, timezone: string, language: string, short = false): string {
  return new Intl.DateTimeFormat(language, {
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
    second: short ? undefined : "2-digit",
    timeZone: timezone,
  }).format(new Date(moment));
}

/** "12 seconds ago", in the largest unit that says something. */
export function formatAgo(moment: string, now: number, language: string): string {
  const seconds = Math.round((Date.parse(moment) - now) / 1000);
  const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ["day", 86_400],
    ["hour", 3_600],
    ["minute", 60],
  ];
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  for (const [unit, length] of units)
    if (Math.abs(seconds) >= length) return format.format(Math.trunc(seconds / length), unit);
  return format.format(seconds, "second");
}

/** A country code as a name; what is no code stays as it is. */
export function formatCountry(code: string, language: string): string {
  try {
    return (/^[A-Z]{2}$/.test(code) && new Intl.DisplayNames([language], { type: "region" }).of(code)) || code;
  } catch {
    return code;
  }
}

/** A day without its time, on the reader's clock. */
export function formatDay(moment: string, language: string): string {
  return new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" }).format(
    new Date(moment),
  );
}

const LENGTHS: readonly [unit: string, seconds: number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

/** A length of time in its two largest units: "2 d 4 h"; below a second in milliseconds. */
export function formatDuration(seconds: number, language: string): string {
  const unit = (value: number, name: string) =>
    formatNumber(value, language, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: 0 });
  if (seconds > 0 && seconds < 1) return unit(Math.max(Math.round(seconds * 1000), 1), "millisecond");
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [name, length] of LENGTHS) {
    const count = Math.floor(rest / length);
    rest -= count * length;
    if (count) parts.push(unit(count, name));
    else if (parts.length) break;
    if (parts.length === 2) break;
  }
  return parts.join(" ") || unit(0, "second");
}
