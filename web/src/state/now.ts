import { useEffect, useState } from "react";

/** The time, anew every so many milliseconds. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** The time by the reader's clock, but not before a moment of the server's: what has happened is not still to come. */
export const notBefore = (moment: string, now: number): number => Math.max(now, Date.parse(moment));
