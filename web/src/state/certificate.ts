/** Checking that a certificate is genuine, in the browser: Ed25519 over the certificate as RFC 8785 writes it. */

export type Verdict = "genuine" | "changed" | "unknown_key" | "unable";

interface Key {
  kid: string;
  x?: string;
}

/** JSON with its names in order and without spaces; a certificate has no fractions, whose writing could differ. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const named = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return `{${named
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, inner]) => `${JSON.stringify(name)}:${canonical(inner)}`)
    .join(",")}}`;
}

const decoded = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));

function encoded(text: string): string {
  const binary = Array.from(new TextEncoder().encode(text), (one) => String.fromCharCode(one)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Whether its signature is of what it says; `unable` where this browser cannot tell (no Ed25519, or no https). */
export async function verdictOf(certificate: object, keys: readonly Key[]): Promise<Verdict> {
  const { signature = "", ...rest } = certificate as { signature?: string; key_id?: string };
  const [head = "", signed = ""] = signature.split("..");
  const known = keys.find(({ kid }) => kid === rest.key_id);
  if (!known?.x) return "unknown_key";
  if (!globalThis.crypto?.subtle) return "unable";
  try {
    const key = await crypto.subtle.importKey("raw", decoded(known.x), { name: "Ed25519" }, false, ["verify"]);
    const said = new TextEncoder().encode(`${head}.${encoded(canonical(rest))}`);
    return (await crypto.subtle.verify({ name: "Ed25519" }, key, decoded(signed), said)) ? "genuine" : "changed";
  } catch (error) {
    return error instanceof DOMException && error.name === "NotSupportedError" ? "unable" : "changed";
  }
}
