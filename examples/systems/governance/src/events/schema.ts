/**
 * Schemas of payloads.
 *
 * Owns `Schema`, a check that gives the value its type, and `ContractBroken`, what it throws. A schema takes exactly
 * the fields it names: one that is missing, unknown or of another type breaks the contract.
 */

/** A payload is not what the contract of its event says. It never holds the value itself. */
export class ContractBroken extends Error {
  override readonly name = "ContractBroken";
}

/** Returns the value with its type, or throws a `ContractBroken` that names the place by `path`. */
export type Schema<T> = (value: unknown, path: string) => T;

/** The type of what a schema takes. */
export type TypeOf<S> = S extends Schema<infer T> ? T : never;

/** Text that is not empty. */
export const text: Schema<string> = (value, path) => {
  if (typeof value !== "string" || value === "") throw new ContractBroken(`${path} must be text`);
  return value;
};

/** A whole number, not negative. */
export const count: Schema<number> = (value, path) => {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new ContractBroken(`${path} must be a count`);
  return value as number;
};

/** From 0 to 100. */
export const percent: Schema<number> = (value, path) => {
  if (count(value, path) > 100) throw new ContractBroken(`${path} must be at most 100`);
  return value as number;
};

/** True or false. */
export const flag: Schema<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw new ContractBroken(`${path} must be true or false`);
  return value;
};

/** One of these words. */
export function oneOf<const W extends string>(...words: W[]): Schema<W> {
  return (value, path) => {
    const word = words.find((it) => it === value);
    if (word === undefined) throw new ContractBroken(`${path} must be one of ${words.join(", ")}`);
    return word;
  };
}

/** Any number of the same. */
export function listOf<T>(item: Schema<T>): Schema<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new ContractBroken(`${path} must be a list`);
    return value.map((it: unknown, index) => item(it, `${path}[${index}]`));
  };
}

/** Exactly these fields. */
export function object<F extends Record<string, Schema<unknown>>>(fields: F): Schema<{ [K in keyof F]: TypeOf<F[K]> }> {
  return (value, path) => {
    if (typeof value !== "object" || value === null) throw new ContractBroken(`${path} must be an object`);
    const unknown = Object.keys(value).find((name) => !Object.hasOwn(fields, name));
    if (unknown !== undefined) throw new ContractBroken(`${path} has an unknown field ${unknown}`);
    const given = value as Record<string, unknown>;
    const checked = Object.entries(fields).map(([name, schema]) => [name, schema(given[name], `${path}.${name}`)]);
    return Object.fromEntries(checked) as { [K in keyof F]: TypeOf<F[K]> };
  };
}
