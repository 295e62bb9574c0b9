import type { FullResult, Reporter, TestCase, TestResult } from "@playwright/test/reporter";

/** Where engines are required, a test that did not run has failed. */
export default class NoSkips implements Reporter {
  private readonly skipped: string[] = [];

  onTestEnd(test: TestCase, { status }: TestResult): void {
    if (status === "skipped") this.skipped.push(test.title);
  }

  async onEnd({ status }: FullResult): Promise<{ status: FullResult["status"] }> {
    if (process.env.SLUICE_REQUIRE_ENGINES !== "1" || !this.skipped.length) return { status };
    process.stderr.write(`skipped, and SLUICE_REQUIRE_ENGINES=1: ${this.skipped.join(", ")}\n`);
    return { status: "failed" };
  }
}
