// Headless Chromium with WebGPU on its own SwiftShader, all from the dev dependency @sparticuz/chromium: no root, no
// system browser, no system Vulkan.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const args = [
  "--no-sandbox",
  "--headless=new",
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--use-angle=swiftshader",
  // It is to talk to the test's own server and to nobody else.
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-domain-reliability",
  "--disable-sync",
  "--no-first-run",
  "--no-default-browser-check",
  "--no-pings",
  "--disable-quic",
  "--proxy-server=http://127.0.0.1:9",
  "--proxy-bypass-list=127.0.0.1",
];

/** Unpacks the browser (0.2 GB) once into the cache. @returns the folder with `chromium` and `al2023/lib` */
async function unpacked(): Promise<string> {
  const cache = process.env.BRAID_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "braid");
  const folder = join(cache, "chromium-147");
  if (existsSync(folder)) return folder;
  mkdirSync(cache, { recursive: true });
  const temporary = mkdtempSync(`${folder}.`);
  // The package unpacks into the temporary folder; told that it runs on Amazon Linux, it brings NSS along.
  const { TMPDIR, AWS_EXECUTION_ENV, FONTCONFIG_PATH, LD_LIBRARY_PATH } = process.env;
  Object.assign(process.env, { TMPDIR: temporary, AWS_EXECUTION_ENV: "AWS_Lambda_nodejs20.x" });
  try {
    const { default: bundled } = await import("@sparticuz/chromium");
    await bundled.executablePath();
    renameSync(temporary, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
  } finally {
    for (const [name, value] of Object.entries({ TMPDIR, AWS_EXECUTION_ENV, FONTCONFIG_PATH, LD_LIBRARY_PATH })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    rmSync(temporary, { recursive: true, force: true });
  }
  return folder;
}

/** @throws Error where Chromium does not run (see `runsHere`). */
export async function launch(): Promise<Browser> {
  const folder = await unpacked();
  const executablePath = join(folder, "chromium");
  // NSS and expat come with the package for systems that lack them.
  const lacking = /not found/.test(execFileSync("ldd", [executablePath], { encoding: "utf8" }));
  const libraries = lacking || process.env.BRAID_BUNDLED_NSS ? join(folder, "al2023", "lib") : undefined;
  const profile = mkdtempSync(join(tmpdir(), "braid-chromium-"));
  const browser = await chromium.launch({
    executablePath,
    args,
    ignoreDefaultArgs: ["--headless", "--disable-gpu"],
    env: {
      ...process.env,
      HOME: profile,
      FONTCONFIG_PATH: join(folder, "fonts"),
      ...(libraries && { LD_LIBRARY_PATH: libraries }),
    },
    timeout: 60_000,
  });
  browser.on("disconnected", () => rmSync(profile, { recursive: true, force: true }));
  return browser;
}

/** The package has a browser for x64 Linux alone. */
export const runsHere = process.platform === "linux" && process.arch === "x64";

/** Serves one page with one module script from the loopback: WebGPU wants a secure context, which that is. */
export async function serve(script: string): Promise<{ url: string; close: () => void }> {
  const server = createServer(({ url }, response) => {
    const [type, body] =
      url === "/"
        ? ["text/html", '<!doctype html><title>braid</title><script type="module" src="/script.js"></script>']
        : url === "/script.js"
          ? ["text/javascript", script]
          : ["text/plain", ""];
    response.writeHead(body ? 200 : 404, { "content-type": `${type}; charset=utf-8` }).end(body);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
