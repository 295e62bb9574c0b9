import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type AskedScope, BOT } from "../state/scope";
import type {
  Api,
  BreakdownAnswer,
  CountAnswer,
  EventNamesAnswer,
  EventsAnswer,
  PropertiesAnswer,
  ReasonsAnswer,
  SystemAnswer,
  TimeseriesAnswer,
  ValuesAnswer,
} from "./client";

const asked = ({ span, timezone, filters, events }: AskedScope) => ({ ...span, timezone, filters, events });

/** A question as a POST; what was answered to the one before stays until the answer is there. */
export function ask<Answer>(
  api: Api,
  project: string,
  path: string,
  body: object,
  refetchInterval: number | false = 30_000,
) {
  return queryOptions({
    queryKey: [project, path, body],
    queryFn: ({ signal }) => api.call<Answer>(path, { project, body, signal }),
    placeholderData: keepPreviousData,
    refetchInterval,
  });
}

/** A measure over time, with what it is compared to. */
export function timeseries(
  api: Api,
  scope: AskedScope,
  measure: string,
  more: { group_by?: string; limit?: number; compare?: boolean } = {},
) {
  const { compare, ...grouped } = more;
  return ask<TimeseriesAnswer>(api, scope.project, "/api/v1/query/timeseries", {
    ...asked(scope),
    interval: scope.interval,
    measure,
    ...grouped,
    ...(compare && { compare: scope.compared }),
  });
}

export function breakdown(api: Api, scope: AskedScope, by: string, measure: string, limit = 8) {
  return ask<BreakdownAnswer>(api, scope.project, "/api/v1/query/breakdown", { ...asked(scope), by, measure, limit });
}

/** How many events of bots the view leaves out. */
export function hiddenBots(api: Api, scope: AskedScope) {
  const filters = [...scope.filters.filter((one) => one.property !== BOT.property), BOT];
  return ask<CountAnswer>(api, scope.project, "/api/v1/query/count", { ...asked(scope), filters });
}

export function latestEvents(api: Api, scope: AskedScope, limit: number, cursor = "") {
  return ask<EventsAnswer>(
    api,
    scope.project,
    "/api/v1/query/events",
    { ...asked(scope), limit, cursor },
    cursor ? false : 10_000,
  );
}

/** Whether the project has ever had an event: what an empty panel says depends on it. */
export function anyEvent(api: Api, project: string) {
  return ask<EventsAnswer>(api, project, "/api/v1/query/events", { limit: 1 }, false);
}

/** The same as a GET. */
export function get<Answer>(
  api: Api,
  project: string,
  path: string,
  query: Record<string, string | number>,
  refetchInterval: number | false = 30_000,
) {
  return queryOptions({
    queryKey: [project, path, query],
    queryFn: ({ signal }) => api.call<Answer>(path, { project, query, signal }),
    placeholderData: keepPreviousData,
    refetchInterval,
  });
}

export function valuesOf(api: Api, scope: AskedScope, property: string, q: string) {
  const { span, timezone, project } = scope;
  return get<ValuesAnswer>(api, project, "/api/v1/schema/values", { ...span, timezone, property, q, limit: 20 }, false);
}

/** Why events were refused, how often, and when. */
export function rejectedReasons(api: Api, scope: AskedScope) {
  const { span, timezone, project, interval } = scope;
  return get<ReasonsAnswer>(api, project, "/api/v1/rejected/reasons", { ...span, timezone, interval });
}

/** How the instance is: engines, what waits, how fresh the project is. */
export function systemOf(api: Api, project: string) {
  return get<SystemAnswer>(api, project, "/api/v1/system", {}, 10_000);
}

/** Names of events that happened in the range, the most frequent first. */
export function knownEvents(api: Api, { span, timezone, project }: AskedScope) {
  return get<EventNamesAnswer>(api, project, "/api/v1/schema/events", { ...span, timezone, limit: 200 }, false);
}

/** Properties that were sent in the range; of events of these names where some are given. */
export function knownProperties(api: Api, { span, timezone, project }: AskedScope, event = "") {
  const query = { ...span, timezone, limit: 200, ...(event && { event }) };
  return get<PropertiesAnswer>(api, project, "/api/v1/schema/properties", query, false);
}
