import { type Command, Option } from "commander";
import type { MatmulRate } from "../../bench/matmul.js";
import type { AdapterWish } from "../../gpu/browser.js";
import type { MatrixShape } from "../../gpu/info.js";
import type { DoctorReport } from "../doctor/report.js";

export function register(program: Command): void {
  program
    .command("doctor")
    .description("Say which adapter braid computes on, how fast it is, and what is missing")
    .addOption(
      new Option("--adapter <kind>", "the adapter to ask for").choices(["any", "hardware", "software"]).default("any"),
    )
    .option("--json", "print the report as JSON")
    .addHelpText(
      "after",
      `
Exits with 1 when there is no adapter, or one whose matrix products are wrong.
Environment: BRAID_ADAPTER (any, hardware, software or part of an adapter's name), BRAID_TOGGLES (Dawn toggles, comma-separated),
BRAID_KERNELS (gpu: run the kernels meant for GPUs on a software adapter, to test them),
BRAID_LIMITS (default: ask for no more than WebGPU's default limits, as small GPUs have),
BRAID_CACHE (folder for the unpacked software adapter).`,
    )
    .action(doctor);
}

async function doctor({ adapter, json }: { adapter: AdapterWish; json?: boolean }): Promise<void> {
  const { diagnose } = await import("../doctor/report.js");
  const report = await diagnose(adapter);
  process.stdout.write(json ? `${JSON.stringify(report, null, 2)}\n` : render(report));
  if (!report.ok) process.exitCode = 1;
}

/** Features that braid uses or will: the rest are about drawing. */
const notable = ["timestamp-query", "shader-f16", "subgroups", "chromium-experimental-subgroup-matrix"];

function render(report: DoctorReport): string {
  const { adapter, adapters, limits, matmul } = report;
  const rows: [string, string][] = [["braid", `${report.braid}, Node ${report.node}, ${report.platform}`]];
  if (adapter) {
    const has = (name: string) =>
      `${name.replace("chromium-experimental-", "")} ${adapter.features.includes(name) ? "yes" : "no"}`;
    rows.push(
      ["adapter", [adapter.vendor, adapter.architecture, adapter.device].filter(Boolean).join(", ")],
      ["", adapter.software ? "software: computes on the processor" : "hardware"],
      ["driver", report.driver || "not told"],
      ["backend", `${adapter.backend}, webgpu ${report.dawn}`],
      ["features", notable.map(has).join(", ")],
      ["matrices", adapter.matrices ? `f16 into f32, ${shapeText(adapter.matrices)} (--precision mixed)` : "none"],
      ["toggles", report.toggles.map((name) => name.replace(/^-(.*)/, "$1 off")).join(", ") || "none"],
      [
        "limits",
        `buffer ${bytes(limits.maxBufferSize)}, binding ${bytes(limits.maxStorageBufferBindingSize)}, ${limits.maxStorageBuffersPerShaderStage} storage buffers`,
      ],
      [
        "",
        `workgroup ${bytes(limits.maxComputeWorkgroupStorageSize)}, ${limits.maxComputeInvocationsPerWorkgroup} invocations`,
      ],
      ["f32 matmul", rates(matmul.f32)],
      ["f16 matmul", matmul.mixed.length ? rates(matmul.mixed) : "not measured: this adapter has no matrices of f16"],
    );
  }
  adapters.forEach((found, i) => {
    const memory = found.memory ? `, ${bytes(found.memory.bytes)} (${found.memory.source})` : ", memory not told";
    const alone = found.env ? "" : "; cannot be told from another of its name";
    rows.push([i === 0 ? "found" : "", `${i}: ${found.name}${found.software ? ", software" : ""}${memory}${alone}`]);
  });
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const lines = rows.map(([name, text]) => `${name.padEnd(width)}${text}`);
  if (report.error) lines.push("", report.error);
  if (report.missing.length) lines.push("", "Missing:");
  for (const { missing, remedy } of report.missing) lines.push(`- ${missing}`, `  ${remedy}`);
  return `${lines.join("\n")}\n`;
}

function rates(measured: MatmulRate[]): string {
  if (measured.length === 0) return "not measured";
  const largest = Math.max(...measured.map(({ error }) => error));
  const each = measured.map(({ size, gflops }) => `${size}³ ${flops(gflops)}`);
  return `${each.join(", ")} (checked: error ≤ ${largest.toExponential(0)})`;
}

const shapeText = ({ m, n, k, lanes }: MatrixShape) => `${m} × ${n} × ${k} in subgroups of ${lanes}`;

function flops(gflops: number): string {
  return gflops >= 1000 ? `${(gflops / 1000).toPrecision(3)} TFLOP/s` : `${gflops.toPrecision(3)} GFLOP/s`;
}

function bytes(count: number): string {
  if (count >= 2 ** 30) return `${Math.round((count / 2 ** 30) * 10) / 10} GiB`;
  return count >= 2 ** 20 ? `${Math.round(count / 2 ** 20)} MiB` : `${Math.round(count / 2 ** 10)} KiB`;
}
