import type { z } from 'zod';

/** A setting: its environment variable, validation, default and help text. */
export interface Setting<Name extends string = string, Schema extends z.ZodType = z.ZodType> {
  readonly name: Name;
  /** Parses the text of the variable, and undefined to the default. */
  readonly schema: Schema;
  readonly help: string;
  /** Resolves the paths in a value from the command line. Absent for settings without paths. */
  readonly resolvePaths?: (text: string, resolve: (path: string) => string) => string;
  /** Secrets in a parsed value, for redaction in the log. */
  readonly secretsIn?: (value: z.output<Schema>) => readonly (string | undefined)[];
}

/** Settings by property of the configuration, some of them in groups. */
export interface SettingTable {
  readonly [property: string]: Setting | SettingTable;
}

/** Parsed values of a table. */
export type Values<Table> = {
  readonly [Property in keyof Table]: Table[Property] extends Setting<string, infer Schema>
    ? Immutable<z.output<Schema>>
    : Values<Table[Property]>;
};

type Immutable<Value> = Value extends readonly (infer Item)[] ? readonly Item[] : Value;

/** Environment variables of a table. */
export type Names<Table> = {
  [Property in keyof Table]: Table[Property] extends Setting<infer Name> ? Name : Names<Table[Property]>;
}[keyof Table];

export function setting<Name extends string, Schema extends z.ZodType>(
  name: Name,
  schema: Schema,
  help: string,
  traits: Pick<Setting<Name, Schema>, 'resolvePaths' | 'secretsIn'> = {},
): Setting<Name, Schema> {
  return { name, schema, help, ...traits };
}

function isSetting(entry: Setting | SettingTable): entry is Setting {
  return 'schema' in entry;
}

/** All settings of a table, in order. */
export function flatten(table: SettingTable): Setting[] {
  return Object.values(table).flatMap((entry) => (isSetting(entry) ? [entry] : flatten(entry)));
}

/** Replaces each setting of a table by its value. @param parsed values by environment variable */
export function valuesOf<Table extends SettingTable>(
  table: Table,
  parsed: Readonly<Record<string, unknown>>,
): Values<Table> {
  const values = Object.entries(table).map(([property, entry]) => [
    property,
    isSetting(entry) ? parsed[entry.name] : valuesOf(entry, parsed),
  ]);
  return Object.fromEntries(values);
}
