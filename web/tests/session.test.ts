import { beforeEach, expect, test, vi } from "vitest";
import { Api } from "../src/api/client";
import { Session } from "../src/api/session";

type Answer = [status: number, body?: object];
const calls: { path: string; headers: Headers }[] = [];

function answering(answers: Record<string, Answer[]>) {
  vi.stubGlobal("fetch", (path: string, request: RequestInit = {}) => {
    calls.push({ path, headers: new Headers(request.headers) });
    const [status, body] = answers[path]?.shift() ?? [500];
    return Promise.resolve(new Response(JSON.stringify(body ?? {}), { status }));
  });
}

beforeEach(() => {
  calls.length = 0;
  document.cookie = "sluice_csrf=c";
});

test("the access token is sent and kept nowhere a script could find it later", async () => {
  answering({ "/api/v1/auth/login": [[200, { access_token: "t1", csrf_token: "c" }]], "/api/v1/x": [[200, { n: 1 }]] });
  const session = new Session();
  await session.login("a@b.c", "secret");
  expect(await new Api(session).call("/api/v1/x", { project: "p" })).toEqual({ n: 1 });
  expect(calls[1]?.headers.get("authorization")).toBe("Bearer t1");
  expect(calls[1]?.headers.get("x-project-id")).toBe("p");
  expect(JSON.stringify({ ...localStorage, ...sessionStorage })).not.toContain("t1");
});

test("an access token that is over is renewed once for all calls that met it, and they are repeated", async () => {
  answering({
    "/api/v1/auth/refresh": [[200, { access_token: "t2" }]],
    "/api/v1/x": [[401], [401], [200, {}], [200, {}]],
  });
  const api = new Api(new Session());
  await Promise.all([api.call("/api/v1/x"), api.call("/api/v1/x")]);
  expect(calls.filter(({ path }) => path.endsWith("refresh"))).toHaveLength(1);
  expect(api.session.current()).toBe("yes");
});

test("the session ends by the server's word, not by a lost connection", async () => {
  answering({ "/api/v1/auth/refresh": [[200, { access_token: "t" }], [503], [401]], "/api/v1/x": [[401], [401]] });
  const session = new Session();
  await session.restore();
  await expect(new Api(session).call("/api/v1/x")).rejects.toMatchObject({ status: 401 });
  expect(session.current()).toBe("yes");
  await expect(new Api(session).call("/api/v1/x")).rejects.toMatchObject({ status: 401 });
  expect(session.current()).toBe("no");
});

test("without the cookie of a session nothing is asked, and nobody is signed in", async () => {
  document.cookie = "sluice_csrf=; max-age=0";
  answering({});
  expect(await new Session().restore()).toBe(false);
  expect(calls).toEqual([]);
});

test("a problem is told with its code, request id and when to come again", async () => {
  vi.stubGlobal("fetch", () =>
    Promise.resolve(
      new Response(JSON.stringify({ code: "too_many", detail: "wait", request_id: "r1" }), {
        status: 429,
        headers: { "retry-after": "7" },
      }),
    ),
  );
  await expect(new Api(new Session()).call("/api/v1/x")).rejects.toMatchObject({
    status: 429,
    code: "too_many",
    detail: "wait",
    requestId: "r1",
    retryAfter: 7,
  });
});
