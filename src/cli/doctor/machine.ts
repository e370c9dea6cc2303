import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { hasNvidiaModule, nvidiaDriver } from "../../gpu/nvidia.node.js";
import { findArchive, hasSystemVulkan } from "../../gpu/software.js";

/** What this machine has, as far as files tell without any driver. */
export interface Machine {
  platform: string;
  arch: string;
  /** A Vulkan loader of the system (always true where there is no need for one). */
  vulkanLoader: boolean;
  /** Version of NVIDIA's kernel module. */
  nvidiaDriver?: string;
  /** Device files of GPUs, e.g. /dev/nvidia0, /dev/dri/renderD128. */
  devices: string[];
  /** NVIDIA's driver description for the Vulkan loader. */
  nvidiaIcd?: string;
  /** $VK_DRIVER_FILES (or the older $VK_ICD_FILENAMES) as the user set it. */
  vkDriverFiles?: string;
  /** Version of the installed @sparticuz/chromium, the software adapter. */
  bundled?: string;
}

const icdFolders = ["/etc/vulkan/icd.d", "/usr/share/vulkan/icd.d", "/usr/local/nvidia/share/vulkan/icd.d"];

/** Call it before a device is opened: the bundled software adapter sets VK_DRIVER_FILES for its own loader. */
export function lookAtMachine(): Machine {
  const { VK_DRIVER_FILES, VK_ICD_FILENAMES } = process.env;
  const list = (folder: string, pattern: RegExp) =>
    existsSync(folder) ? readdirSync(folder).filter((name) => pattern.test(name)) : [];
  const devices = [
    ...list("/dev", /^(nvidia\d+|dxg)$/).map((name) => join("/dev", name)),
    ...list("/dev/dri", /^renderD\d+$/).map((name) => join("/dev/dri", name)),
  ];
  return {
    platform: process.platform,
    arch: process.arch,
    vulkanLoader: hasSystemVulkan(),
    nvidiaDriver: nvidiaDriver() ?? (hasNvidiaModule() ? "of unknown version" : undefined),
    devices,
    nvidiaIcd: icdFolders.flatMap((folder) => list(folder, /nvidia.*\.json$/).map((name) => join(folder, name))).at(0),
    vkDriverFiles: VK_DRIVER_FILES || VK_ICD_FILENAMES || undefined,
    bundled: findArchive()?.version,
  };
}
