import { Command } from "commander";
import { afterEach, describe, expect, it, vi } from "vitest";
import { register } from "../../src/cli/commands/fusion.js";
import { parseConfig } from "../../src/config/index.js";
import { fusionDesigns } from "../../src/findings/fusion-designs.js";

afterEach(() => vi.restoreAllMocks());

async function braid(args: string): Promise<string> {
  let text = "";
  vi.spyOn(process.stdout, "write").mockImplementation((part) => {
    text += part;
    return true;
  });
  const program = new Command();
  register(program);
  await program.parseAsync(["node", "braid", "fusion", ...args.split(" ").filter(Boolean)]);
  return text;
}

describe("braid fusion", () => {
  it("prints the parameters of Tables 18 and 19 beside the printed ones", async () => {
    expect((await braid("")).split("\n")).toHaveLength(28);
    expect(await braid("--size 350m")).toContain("no reading agrees");
    expect(JSON.parse(await braid("--json"))[10]).toMatchObject({ label: "Hymba", layers: 14, printed_b: 0.94 });
  });

  it("prints a row's config, at any size", async () => {
    const config = parseConfig(JSON.parse(await braid("11 --size nano")));
    expect(config).toEqual(fusionDesigns("nano")[10].config);
    expect(config.hybrid).toMatchObject({ norm: "group", scale: "vector", fusion: "add", output: "joint" });
  });

  it.each([
    ["--size nano", "--size: the paper prints parameters for 1b and 350m; name a row"],
    ["--size 7b", '--size: "7b" is not known; sizes are 1b, 350m, mini'],
    ["26", 'row: "26" is not a row of the table; rows are 1 to 25.'],
  ])("refuses %s", async (args, message) => {
    await expect(braid(args)).rejects.toThrow(message);
  });
});
