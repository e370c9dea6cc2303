import type { MatmulRate } from "../../bench/matmul.js";
import type { AdapterWish } from "../../gpu/browser.js";
import type { GpuInfo } from "../../gpu/info.js";
import type { Machine } from "./machine.js";

/** Something that is missing, what that means, and how to get it. */
export interface Advice {
  missing: string;
  remedy: string;
}

export interface Findings {
  machine: Machine;
  wish: AdapterWish;
  adapter?: GpuInfo;
  rates: MatmulRate[];
}

/** What is missing on this machine for braid to run (well), the most important first. */
export function advise(findings: Findings): Advice[] {
  const { adapter, wish } = findings;
  const advice: Advice[] = [];
  if ((!adapter || adapter.software) && wish !== "software") advice.push(...missingGpu(findings));
  if (!adapter && wish !== "hardware") advice.push(missingSoftware(findings.machine));
  if (adapter) advice.push(...missingFeatures(adapter));
  return advice;
}

function missingGpu({ machine, rates }: Findings): Advice[] {
  const advice: Advice[] = [];
  const rate = rates.at(-1);
  if (rate) {
    advice.push({
      missing: `A GPU: this adapter computes on the processor, at ${rate.gflops.toPrecision(2)} GFLOP/s.`,
      remedy: `Enough for recorded notebooks, tests and smoke runs; one nano run of 16M tokens would take about ${days(rate.gflops)}. Use a machine with a GPU for those.`,
    });
  }
  if (machine.platform === "win32") {
    return [...advice, { missing: "A D3D12 adapter.", remedy: "Install the graphics driver of the card's maker." }];
  }
  if (machine.platform !== "linux") return advice;
  const nvidia = machine.nvidiaDriver !== undefined || machine.devices.some((device) => device.includes("nvidia"));
  if (!nvidia && machine.devices.length === 0) {
    return [
      ...advice,
      {
        missing: "A GPU that this system knows of: there is no /dev/nvidia0 and no /dev/dri/renderD*.",
        remedy:
          "In a container, pass the GPU in (docker run --gpus all, or --device /dev/dri). On a machine without a GPU nothing is wrong.",
      },
    ];
  }
  if (!machine.vulkanLoader) {
    advice.push({
      missing: "A Vulkan loader (libvulkan.so.1); without it no GPU is found.",
      remedy: "Install libvulkan1 (Debian, Ubuntu), vulkan-loader (Fedora) or vulkan-icd-loader (Arch).",
    });
  }
  if (machine.vkDriverFiles) {
    advice.push({
      missing: `Drivers other than VK_DRIVER_FILES=${machine.vkDriverFiles}, to which the environment limits Vulkan.`,
      remedy: "Unset it, or name the driver of the GPU.",
    });
  }
  if (nvidia) advice.push(missingNvidia(machine));
  else if (machine.devices.includes("/dev/dxg")) {
    advice.push({
      missing: "A Vulkan driver for the GPU of the Windows host (WSL).",
      remedy: "Mesa's dzn driver gives one (mesa-vulkan-drivers ≥ 24); running braid in Windows itself is faster.",
    });
  } else {
    advice.push({
      missing: `A Vulkan driver for ${machine.devices.join(", ")}.`,
      remedy:
        "Install mesa-vulkan-drivers (Debian, Ubuntu, Fedora) or vulkan-radeon / vulkan-intel (Arch), and see that you may open the device (group render).",
    });
  }
  return advice;
}

function missingNvidia({ nvidiaDriver, nvidiaIcd }: Machine): Advice {
  const driver = nvidiaDriver ? `NVIDIA driver ${nvidiaDriver}` : "the NVIDIA driver";
  if (nvidiaIcd) {
    return {
      missing: `The card's Vulkan part: ${nvidiaIcd} is there, but Vulkan finds no GPU through it.`,
      remedy: `Set VK_DRIVER_FILES=${nvidiaIcd}, and install what its library needs (libegl1 and libglvnd0 on Debian, Ubuntu).`,
    };
  }
  return {
    missing: `The Vulkan part of ${driver} (nvidia_icd.json).`,
    remedy:
      "In a container, start it with NVIDIA_DRIVER_CAPABILITIES=all (graphics is what brings Vulkan); elsewhere install the driver's GL part (libnvidia-gl-<version> on Ubuntu) with libegl1 and libglvnd0.",
  };
}

function missingSoftware({ platform, arch, bundled }: Machine): Advice {
  if (platform !== "linux" || arch !== "x64") {
    return {
      missing: `A software adapter: the one that npm can bring is for x64 Linux, this is ${platform} ${arch}.`,
      remedy:
        platform === "linux" ? "Install mesa-vulkan-drivers (lavapipe)." : "Use the system's own graphics driver.",
    };
  }
  if (bundled) {
    return {
      missing: `The software adapter of @sparticuz/chromium ${bundled} is installed but did not start.`,
      remedy: "The message above says why; BRAID_CACHE names another folder to unpack it to.",
    };
  }
  return {
    missing: "A software adapter, to run without a GPU.",
    remedy:
      "npm install @sparticuz/chromium@147 (no root needed), or install mesa-vulkan-drivers (lavapipe, Mesa 24 or newer).",
  };
}

function missingFeatures({ features, software }: GpuInfo): Advice[] {
  const advice: Advice[] = [];
  if (!features.includes("timestamp-query")) {
    advice.push({
      missing: "timestamp-query: --profile can't time single kernels here.",
      remedy: "Training works without; a newer driver may bring it.",
    });
  }
  if (!software && !features.includes("shader-f16")) {
    advice.push({
      missing: "shader-f16: no 16-bit arithmetic on this adapter.",
      remedy: "Training in f32 works without; --precision mixed needs it.",
    });
  }
  return advice;
}

/** A nano run: 6 FLOPs a parameter and token, 4M parameters, 16M tokens. */
function days(gflops: number): string {
  const hours = (6 * 4e6 * 16e6) / (gflops * 1e9) / 3600;
  if (hours < 1) return `${Math.max(1, Math.round(hours * 60))} minutes`;
  return hours < 48 ? `${Math.round(hours)} hours` : `${Math.round(hours / 24)} days`;
}
