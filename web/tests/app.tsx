import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import { I18nextProvider } from "react-i18next";
import { vi } from "vitest";
import { Api, ApiProvider } from "../src/api/client";
import { Session } from "../src/api/session";
import { startTexts } from "../src/i18n";
import { makeRouter } from "../src/router";

export interface Asked {
  method: string;
  path: string;
  search: string;
  body: Record<string, unknown>;
}
/** By "METHOD /path": what is answered; a function of what is asked, or a Response, or the JSON itself. */
export type Answers = Record<string, unknown>;

export const PROJECT = "11111111-1111-4111-8111-111111111111";
export const ORGANISATION = "22222222-2222-4222-8222-222222222222";

export function user(role: string, more: object = {}) {
  const project = { id: PROJECT, name: "Shop", timezone: "UTC", organisation_id: ORGANISATION, role };
  return {
    id: "u1",
    email: "ada@example.org",
    name: "Ada",
    email_verified: true,
    second_factor: false,
    has_password: true,
    created_at: "2026-01-02T03:04:05Z",
    organisations: [{ id: ORGANISATION, name: "Acme", role, projects: [project] }],
    projects: [project],
    ...more,
  };
}

export function problem(status: number, code: string, detail = ""): Response {
  return new Response(JSON.stringify({ code, detail, request_id: "r-1" }), { status });
}

/** The app at an address, with a server that answers what is written here and 404 to the rest. */
export async function openApp(
  path: string,
  answers: Answers,
  as: object | null = user("owner"),
  language?: "en" | "ru",
) {
  const asked: Asked[] = [];
  const all: Answers = {
    ...(as && { "POST /api/v1/auth/refresh": { access_token: "t" }, "GET /api/v1/auth/me": as }),
    ...answers,
  };
  document.cookie = as ? "sluice_csrf=c; path=/" : "sluice_csrf=; max-age=0; path=/";
  vi.stubGlobal("fetch", async (address: string, request: RequestInit = {}) => {
    const { pathname, search } = new URL(address, "http://x");
    const one: Asked = {
      method: request.method ?? "GET",
      path: pathname,
      search,
      body: request.body ? JSON.parse(String(request.body)) : {},
    };
    asked.push(one);
    const wanted = all[`${one.method} ${one.path}`];
    const answer = typeof wanted === "function" ? await wanted(one) : wanted;
    if (answer === undefined) return problem(404, "not_found");
    if (answer instanceof Response) return answer.clone();
    return new Response(JSON.stringify(answer));
  });
  history.replaceState(null, "", `/app${path}`);
  const session = new Session();
  const texts = await startTexts(language ?? "en");
  render(
    <I18nextProvider i18n={texts}>
      <ApiProvider value={new Api(session)}>
        <QueryClientProvider client={new QueryClient({ defaultOptions: { queries: { retry: false } } })}>
          <RouterProvider router={makeRouter(session)} />
        </QueryClientProvider>
      </ApiProvider>
    </I18nextProvider>,
  );
  const calls = (method: string, end: string) => asked.filter((one) => one.method === method && one.path.endsWith(end));
  return { asked, calls };
}
