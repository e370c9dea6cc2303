import { InvalidArgumentError } from "commander";

/** Option parsers for commander: numbers as people write them ("16e6", "1_000"), with what is allowed in the message. */
export function positive(text: string): number {
  const value = Number(text.replaceAll("_", ""));
  if (!(value > 0) || !Number.isFinite(value))
    throw new InvalidArgumentError("It must be a number above 0, such as 0.5 or 16e6.");
  return value;
}

/** A number from 0 on. */
export function zeroOrMore(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0) || !Number.isFinite(value))
    throw new InvalidArgumentError("It must be a number of 0 or more.");
  return value;
}

export function whole(text: string): number {
  const value = Number(text.replaceAll("_", ""));
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError("It must be a whole number above 0.");
  return value;
}

/** "512,1024" as whole numbers. */
export const wholes = (text: string): number[] => text.split(",").map(whole);

/** "0,6,12": numbers from 0 on. */
export const indices = (text: string): number[] => text.split(",").map(seedNumber);

/** Names separated by commas, each one of `known`. */
export const among =
  <Name extends string>(known: readonly Name[]) =>
  (text: string): Name[] =>
    text.split(",").map((part) => {
      const name = known.find((name) => name === part.trim());
      if (!name) throw new InvalidArgumentError(`It must be some of ${known.join(", ")}, separated by commas.`);
      return name;
    });

export function seedNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isSafeInteger(value) || value < 0)
    throw new InvalidArgumentError("It must be a whole number of 0 or more.");
  return value;
}

export function share(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 1)) throw new InvalidArgumentError("It must be a number from 0 to 1.");
  return value;
}
