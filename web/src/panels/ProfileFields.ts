import { useQuery } from "@tanstack/react-query";
import { useApi } from "../api/client";
import { profileProperties } from "../api/persons";
import { useScope } from "../state/scope";

const OF_A_PERSON = ["events", "revenue", "first_seen", "last_seen", "person"];

/** What people can be asked about: `known` are the properties that profiles have, `names` all fields. */
export function useProfileFields(): { names: string[]; known: string[] } {
  const known = useQuery(profileProperties(useApi(), useScope().project)).data?.properties ?? [];
  return { names: [...OF_A_PERSON, ...known], known };
}
