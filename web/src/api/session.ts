import { ApiError, problemOf } from "./problem";

/** What login, register and refresh answer; browsers get the refresh token as a cookie that no script can read. */
interface Tokens {
  access_token: string;
  csrf_token?: string | null;
}

export type SignedIn = "unknown" | "yes" | "no";
export interface Registration {
  email: string;
  password: string;
  full_name: string;
  /** What the new organisation is called; whoever brings an invitation joins its organisation instead. */
  company?: string;
  invitation?: string;
}

const CSRF_COOKIE = /(?:^|; )(?:__Host-)?sluice_csrf=([^;]*)/;

/**
 * Who is signed in. The access token lives in the memory of this page only; a new page gets one by the refresh cookie.
 * `fetch` adds it, and renews it once where the server says it is no longer good.
 */
export class Session {
  private token = "";
  private csrf = "";
  private state: SignedIn = "unknown";
  private refreshing: Promise<boolean> | undefined;
  private readonly listeners = new Set<() => void>();

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  current = (): SignedIn => this.state;

  async login(email: string, password: string, code = ""): Promise<void> {
    await this.take("login", { email, password, ...(code && { code }) });
  }

  /** Makes the account and signs in. Whether the address was free shows only to who knows its password. */
  async register(registration: Registration): Promise<void> {
    await this.post("register", registration);
    await this.login(registration.email, registration.password);
  }

  async logout(): Promise<void> {
    await this.post("logout", { client: "browser" }).catch(() => undefined);
    this.csrf = "";
    this.set("", "no");
  }

  /** Whether this browser is signed in, asked of the server at most once. */
  async restore(): Promise<boolean> {
    // Without the cookie that goes with the refresh token there is none: no need to ask.
    if (this.state === "unknown" && !cookieToken()) this.set("", "no");
    if (this.state === "unknown") await this.refresh();
    return this.state === "yes";
  }

  async fetch(path: string, request: RequestInit = {}): Promise<Response> {
    const used = this.token;
    const reply = await this.send(path, request);
    if (reply.status !== 401) return reply;
    const renewed = used !== this.token || (await this.refresh());
    return renewed ? this.send(path, request) : reply;
  }

  /** A call of the sign-in API; raises ApiError. */
  async post(action: string, body: object): Promise<Response> {
    const reply = await fetch(`/api/v1/auth/${action}`, {
      method: "POST",
      credentials: "same-origin",
      headers: { "content-type": "application/json", "x-csrf-token": cookieToken() || this.csrf },
      body: JSON.stringify(body),
    });
    if (!reply.ok) throw await problemOf(reply);
    return reply;
  }

  private async take(action: string, body: object): Promise<void> {
    const reply = await this.post(action, { ...body, client: "browser" });
    const tokens = (await reply.json()) as Tokens;
    this.csrf = tokens.csrf_token ?? this.csrf;
    this.set(tokens.access_token, "yes");
  }

  /** At most one refresh is under way: a second one would spend the first one's successor. */
  private refresh(): Promise<boolean> {
    this.refreshing ??= this.take("refresh", {})
      .then(() => true)
      .catch((error: unknown) => {
        // Only the server's word ends a session; a lost connection does not.
        if (error instanceof ApiError && error.status < 500 && error.status !== 429) this.set("", "no");
        else if (this.state === "unknown") throw error;
        return false;
      })
      .finally(() => {
        this.refreshing = undefined;
      });
    return this.refreshing;
  }

  private send(path: string, request: RequestInit): Promise<Response> {
    const headers = new Headers(request.headers);
    if (this.token) headers.set("authorization", `Bearer ${this.token}`);
    return fetch(path, { ...request, headers });
  }

  private set(token: string, state: SignedIn): void {
    this.token = token;
    this.state = state;
    for (const listener of this.listeners) listener();
  }
}

function cookieToken(): string {
  return decodeURIComponent(CSRF_COOKIE.exec(document.cookie)?.[1] ?? "");
}
