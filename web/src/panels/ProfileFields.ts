import { useQuery } from "@tanstack/react-query";
import { useApi } from "../api/client";
import { knownProperties } from "../api/queries";
import { useScope } from "../state/scope";

const OF_A_PERSON = ["events", "revenue", "first_seen", "last_seen", "person"];
const OPERATIONS = /^properties\.\$(set|set_once|add|append|union)\.([^.]+)$/;

/** What people can be asked about: `known` are properties of profiles that were sent lately, `names` all fields. */
export function useProfileFields(): { names: string[]; known: string[] } {
  const sent = useQuery(knownProperties(useApi(), useScope(), "identify")).data?.items ?? [];
  const known = sent.flatMap(({ property }) => {
    const operation = OPERATIONS.exec(property);
    if (operation) return [`profile.${operation[2]}`];
    const bare = property.replace(/^properties\./, "");
    return bare.startsWith("$") || bare.includes(".") ? [] : [`profile.${bare}`];
  });
  const profile = [...new Set(known)];
  return { names: [...OF_A_PERSON, ...profile], known: profile };
}
