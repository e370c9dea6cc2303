/** What is printed of an error: its own sentence, or one for what the system says in codes. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, syscall, path, dest } = error as NodeJS.ErrnoException & { dest?: string };
  const place = dest ?? path;
  if (code === undefined || syscall === undefined || (place === undefined && code !== "EISDIR")) return error.message;
  if (syscall.startsWith("spawn")) return code === "ENOENT" ? `there is no program ${path}` : error.message;
  const noFolder = `${place} is a file or lies in one; it must be a folder`;
  switch (code) {
    case "EISDIR":
      return `${place ?? "a path given"} is a folder; it must be a file`;
    case "ENOTDIR":
      return noFolder;
    case "EEXIST":
      return syscall === "mkdir" ? noFolder : error.message;
    case "ENOENT":
      return `${path} does not exist`;
    case "EACCES":
    case "EPERM":
      return `${place} may not be ${syscall === "open" ? "opened" : "changed"} by this user`;
    default:
      return error.message;
  }
}
