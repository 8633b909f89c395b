/** MySQL and MariaDB through mysql2: a pool of connections a process. */
import type { RowDataPacket } from 'mysql2/promise';
import { loadMysqlBuilder } from '../../drizzle.ts';
import { unsafeCast } from '../../schema/column-types.ts';
import * as mysqlTables from '../../schema/index.mysql.ts';
import { type Engine, hasRows, type Query, type Rows, type Step, type Tables } from '../engine.ts';
import { rowReader, type SelectQuery, statementOf, type Values } from '../statement.ts';
import { MysqlConnections, type MysqlOptions, persistently, STATEMENT_TIMEOUT } from './connections.ts';
import { isConflict, isLost, isServerError, translated, UnknownOutcomeError } from './errors.ts';
import { exclusively, isMigrating } from './migrations.ts';

/** Opens a pool; it connects when it is first used. */
export async function openMysql(options: MysqlOptions): Promise<Engine> {
  const connections = new MysqlConnections(options);
  // Each read takes a connection of its own accord; one that was lost meanwhile may be tried again on another.
  async function fetch<Rows extends RowDataPacket[] | RowDataPacket[][]>(
    options: { sql: string; rowsAsArray?: boolean },
    params?: unknown[],
  ): Promise<Rows> {
    const attempt = () =>
      connections.use((connection) =>
        connection.query<Rows>({ ...options, timeout: STATEMENT_TIMEOUT }, params),
      );
    try {
      const [rows] = await persistently(attempt, isLost);
      return rows;
    } catch (error) {
      throw translated(error);
    }
  }
  const query: Query = (sql) => fetch<RowDataPacket[]>({ sql });

  const rowsOf = (text: string, params: unknown[]): Promise<unknown[][]> =>
    fetch<RowDataPacket[][]>({ sql: text, rowsAsArray: true }, params);

  function read<Row>(query: SelectQuery<Row>) {
    const { text, bind } = statementOf(query);
    const toRow = rowReader(query);
    return async (values?: Values) => (await rowsOf(text, bind(values))).map(toRow);
  }
  function readOne<Row>(query: SelectQuery<Row>) {
    const rows = read(query);
    return async (values?: Values) => (await rows(values))[0];
  }

  // One below the other, and not joined, which would send the thing again with each row of its list.
  function readWith<Thing, Row>(ofThing: SelectQuery<Thing>, ofList: SelectQuery<Row>) {
    const [thing, list] = [statementOf(ofThing), statementOf(ofList)];
    const [toThing, toRow] = [rowReader(ofThing), rowReader(ofList)];
    const nulls = ({ _ }: SelectQuery<unknown>) => Object.keys(_.selectedFields).map(() => 'null');
    const width = nulls(ofThing).length;
    // Put into the list's own text: MariaDB would write a list that is selected from into a table, a sixth of the statement.
    const indented = list.text.replace(/^select (distinct )?/, `$&${nulls(ofThing)}, `);
    const text = `(select thing.*, ${nulls(ofList)} from (${thing.text}) thing) union all (${indented})`;
    const isOfList = (row: unknown[]) => row.slice(width).some((value) => value !== null);
    return async (values: Values) => {
      const rows = await rowsOf(text, [...thing.bind(values), ...list.bind(values)]);
      const thingRow = rows.find((row) => !isOfList(row));
      if (!thingRow) return undefined;
      const listed = rows.filter(isOfList).map((row) => toRow(row.slice(width)));
      return { thing: toThing(thingRow.slice(0, width)), list: listed };
    };
  }
  const tables: Tables = mysqlTables;

  return {
    dialect: 'mysql',
    tables,
    build: unsafeCast<Engine['build']>(loadMysqlBuilder()({ casing: 'snake_case' })),
    read,
    readOne,
    readOneCached: readOne,
    // Not by drizzle's unionAll, which nests them in pairs: MariaDB then writes what it has found so far into a table each time.
    readAll(queries) {
      const statements = queries.map(statementOf);
      const text = statements.map(({ text }) => `(${text})`).join(' union all ');
      const toRow = rowReader(queries[0]);
      return async (values) => {
        const params = statements.flatMap(({ bind }) => bind(values));
        return (await rowsOf(text, params)).map(toRow);
      };
    },
    readWith,
    readWithCached(ofThing, ofList, make) {
      const both = readWith(ofThing, ofList);
      return async (values) => {
        const found = await both(values);
        return found && make(found.thing, found.list);
      };
    },
    write(query, rows) {
      const { text, bind } = statementOf(query);
      return (values) => new MysqlStep(text, bind(values), rows);
    },
    condition(query, rows) {
      const { text, bind } = statementOf(query);
      return (values) => new MysqlStep(`${text} lock in share mode`, bind(values), rows);
    },
    async atomically(steps) {
      try {
        return await persistently(() => runAll(connections, steps), mayRunAgain);
      } catch (error) {
        throw translated(error);
      }
    },
    query,
    isMigrating: () => isMigrating(query),
    exclusively: (work) => exclusively(options.url, work),
    async checkpoint() {},
    async backup() {
      throw new Error(
        'A MySQL database is copied with the server\'s own tool: "mariadb-dump --single-transaction DATABASE > FILE" or "mysqldump --single-transaction DATABASE > FILE".',
      );
    },
    close: () => connections.close(),
  };
}

class MysqlStep implements Step {
  readonly rows: Rows;
  readonly statement: string;
  readonly params: unknown[];
  constructor(statement: string, params: unknown[], rows: Rows) {
    this.statement = statement;
    this.params = params;
    this.rows = rows;
  }
}

function runAll(connections: MysqlConnections, steps: Step[]): Promise<Step | undefined> {
  return connections.use(async (connection) => {
    const run = async (statement: string, params: unknown[] = []) => {
      const [result] = await connection.query({ sql: statement, timeout: STATEMENT_TIMEOUT }, params);
      if (Array.isArray(result)) return result.length;
      return 'affectedRows' in result ? result.affectedRows : 0;
    };
    await run('START TRANSACTION');
    try {
      for (const step of steps) {
        if (!(step instanceof MysqlStep)) throw new TypeError('This step was prepared by another engine.');
        if (hasRows(step, await run(step.statement, step.params))) continue;
        await run('ROLLBACK');
        return step;
      }
    } catch (error) {
      // What a connection had begun that was lost, or stands still, the server takes back when it finds it gone.
      if (isServerError(error)) await run('ROLLBACK').catch(() => connection.destroy());
      throw error;
    }
    try {
      await run('COMMIT');
    } catch (error) {
      if (isConflict(error)) throw error;
      throw new UnknownOutcomeError('COMMIT was not answered', { cause: error });
    }
    return undefined;
  });
}

/** Until COMMIT was sent nothing has been changed for good. */
function mayRunAgain(error: unknown): boolean {
  return isConflict(error) || isLost(error);
}
