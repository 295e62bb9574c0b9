/** What an API call answered instead of its result (RFC 9457), or that nothing answered at all. */
export class ApiError extends Error {
  override readonly name = "ApiError";

  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly requestId: string,
    readonly retryAfter: number,
    readonly body: Record<string, unknown> = {},
  ) {
    super(detail || code);
  }
}

export async function problemOf(reply: Response): Promise<ApiError> {
  let body: Record<string, unknown> = {};
  try {
    body = (await reply.json()) as Record<string, unknown>;
  } catch {
    // A proxy's page: the status has to say it.
  }
  const text = (name: string) => (typeof body[name] === "string" ? (body[name] as string) : "");
  return new ApiError(
    reply.status,
    text("code") || `http_${reply.status}`,
    text("detail") || text("title"),
    text("request_id") || reply.headers.get("x-request-id") || "",
    Number(reply.headers.get("retry-after")) || 0,
    body,
  );
}
