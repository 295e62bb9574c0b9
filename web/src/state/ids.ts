export const MOST_PEOPLE = 10_000;
export type IdKind = "user_id" | "anonymous_id" | "people";

/** People as the API names them: `u:` and a user's id, or `a:` and a device's. */
export interface Listed {
  people: string[];
  repeated: number;
  /** Lines that are no `u:…` and no `a:…` where such are wanted; the first few, by their numbers. */
  unclear: number[];
}

const PREFIX: Record<IdKind, string> = { user_id: "u:", anonymous_id: "a:", people: "" };

/** A list, an id a line, as it is pasted or read from a file; quotes and commas around a line are a table's. */
export function listed(text: string, kind: IdKind): Listed {
  const seen = new Set<string>();
  const unclear: number[] = [];
  let given = 0;
  for (const [place, line] of text.split(/\r\n|\r|\n/).entries()) {
    const id = line
      .trim()
      .replace(/,+$/, "")
      .replace(/^"(.*)"$/, "$1");
    if (!id) continue;
    if (kind === "people" && !/^[ua]:./.test(id)) {
      unclear.push(place + 1);
      continue;
    }
    given += 1;
    seen.add(PREFIX[kind] + id);
  }
  return { people: [...seen], repeated: given - seen.size, unclear };
}
