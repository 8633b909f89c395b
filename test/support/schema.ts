/** Reads the schema of a database from the engine, in a stable order, so that tests can compare schemas. */

interface SchemaTable {
  name: string;
  columns: { name: string; type: string; nullable: boolean; [more: string]: unknown }[];
  references: { name: string; columns: string[]; to: string; columnsTo: string[]; [more: string]: unknown }[];
  indexes: { name: string; unique: boolean; columns: string[]; [more: string]: unknown }[];
}
export type Schema = SchemaTable[];

type RunStatement = (statement: string) => Promise<Record<string, unknown>[]>;

/** @returns the tables, without those of the migrators. */
export async function readSchema(run: RunStatement, sqlite: boolean): Promise<Schema> {
  const tables = await (sqlite ? readSqlite(run) : readMysql(run));
  return byName(tables).map((table) => ({
    name: table.name,
    columns: byName(table.columns),
    references: [...table.references].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    indexes: byName(table.indexes),
  }));
}

function byName<Named extends { name: string }>(parts: Named[]): Named[] {
  return parts.filter(({ name }) => !name.startsWith('__')).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @returns the values of a field in the rows that match `where`, in the order of the rows. */
function valuesWhere(
  rows: Record<string, unknown>[],
  field: string,
  where: Record<string, unknown>,
): string[] {
  return rows
    .filter((row) => Object.entries(where).every(([name, value]) => row[name] === value))
    .map((row) => String(row[field]));
}

async function readSqlite(run: RunStatement): Promise<Schema> {
  const named = await run(
    "SELECT name FROM sqlite_schema WHERE type <> 'index' AND name NOT LIKE 'sqlite_%'",
  );
  const tables: Schema = [];
  for (const { name } of named) {
    const columns = await run(
      `SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo('${name}')`,
    );
    const keys = await run(`SELECT * FROM pragma_foreign_key_list('${name}') ORDER BY id, seq`);
    const indexes = await run(`SELECT name, "unique", origin, partial FROM pragma_index_list('${name}')`);
    const parts = await run(
      `SELECT i.name AS holder, c.name FROM pragma_index_list('${name}') i, pragma_index_info(i.name) c ORDER BY 1, seqno`,
    );
    tables.push({
      name: String(name),
      columns: columns.map(({ name, type, notnull, ...more }) => ({
        name: String(name),
        type: String(type),
        nullable: notnull === 0,
        ...more,
      })),
      references: keys
        .filter(({ seq }) => seq === 0)
        .map(({ id, table, on_delete, on_update }) => ({
          name: '',
          columns: valuesWhere(keys, 'from', { id }),
          to: String(table),
          columnsTo: valuesWhere(keys, 'to', { id }),
          onDelete: on_delete,
          onUpdate: on_update,
        })),
      indexes: indexes.map(({ name, unique, origin, partial }) => ({
        name: String(name),
        unique: unique === 1,
        columns: valuesWhere(parts, 'name', { holder: name }),
        origin,
        partial,
      })),
    });
  }
  return tables;
}

async function readMysql(run: RunStatement): Promise<Schema> {
  const here = 'TABLE_SCHEMA = DATABASE()';
  const named = await run(`SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE ${here}`);
  const columns = await run(
    `SELECT TABLE_NAME AS holder, COLUMN_NAME AS name, COLUMN_TYPE AS type, IS_NULLABLE AS nullable, COLUMN_DEFAULT,
            CHARACTER_SET_NAME, COLLATION_NAME, COLUMN_KEY, EXTRA
     FROM information_schema.COLUMNS WHERE ${here}`,
  );
  const keys = await run(
    `SELECT k.TABLE_NAME AS holder, k.CONSTRAINT_NAME AS name, k.COLUMN_NAME AS \`column\`,
            k.REFERENCED_TABLE_NAME AS parent, k.REFERENCED_COLUMN_NAME AS target, k.ORDINAL_POSITION AS seq,
            r.DELETE_RULE AS onDelete, r.UPDATE_RULE AS onUpdate
     FROM information_schema.KEY_COLUMN_USAGE k JOIN information_schema.REFERENTIAL_CONSTRAINTS r
       ON r.CONSTRAINT_SCHEMA = k.CONSTRAINT_SCHEMA AND r.CONSTRAINT_NAME = k.CONSTRAINT_NAME
         AND r.TABLE_NAME = k.TABLE_NAME
     WHERE k.${here} AND k.REFERENCED_TABLE_NAME IS NOT NULL ORDER BY seq`,
  );
  const indexes = await run(
    `SELECT TABLE_NAME AS holder, INDEX_NAME AS name, NON_UNIQUE AS plain, COLUMN_NAME AS \`column\`, SEQ_IN_INDEX AS seq
     FROM information_schema.STATISTICS WHERE ${here} ORDER BY seq`,
  );
  return named.map(({ name }) => ({
    name: String(name),
    columns: columns
      .filter(({ holder }) => holder === name)
      .map(({ holder: _holder, name, type, nullable, ...more }) => ({
        name: String(name),
        type: String(type),
        nullable: nullable === 'YES',
        ...more,
      })),
    references: keys
      .filter(({ holder, seq }) => holder === name && Number(seq) === 1)
      .map(({ holder, name, parent, onDelete, onUpdate }) => ({
        name: String(name),
        columns: valuesWhere(keys, 'column', { holder, name }),
        to: String(parent),
        columnsTo: valuesWhere(keys, 'target', { holder, name }),
        onDelete,
        onUpdate,
      })),
    indexes: indexes
      .filter(({ holder, seq }) => holder === name && Number(seq) === 1)
      .map(({ holder, name, plain }) => ({
        name: String(name),
        unique: Number(plain) === 0,
        columns: valuesWhere(indexes, 'column', { holder, name }),
      })),
  }));
}
