// How the Node peers talk to the harness: one JSON object a line, each way.
import { createInterface } from "node:readline";

/** Writes one object to the harness. */
export function tell(object) {
  process.stdout.write(JSON.stringify(object, (_, value) => (typeof value === "bigint" ? Number(value) : value)) + "\n");
}

/** Calls `act` with each command that the harness writes, and answers with what it resolves to. Ends with the input. */
export function obey(act) {
  createInterface({ input: process.stdin })
    .on("line", async (line) => {
      const command = JSON.parse(line);
      const began = performance.now();
      let answer;
      try {
        answer = await act(command);
      } catch (error) {
        answer = { broken: String(error?.stack ?? error) };
      }
      tell({ id: command.id, ms: performance.now() - began, ...answer });
    })
    .on("close", () => process.exit(0));
}
