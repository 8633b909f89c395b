/** The engine for MySQL and MariaDB: mysql2 with one pool for each process. */
import { randomUUID } from 'node:crypto';
import type { Connection, RowDataPacket } from 'mysql2/promise';
import { loadMysqlBuilder } from '../../drizzle.ts';
import { mysqlColumnTypes } from '../../schema/column-types.mysql.ts';
import { unsafeCast } from '../../schema/column-types.ts';
import { defineTables } from '../../schema/tables.ts';
import { type Engine, hasExpectedRows, PreparedStep, type Query, type Reader, type Step } from '../engine.ts';
import { compileStatement, makeRowMapper, type SelectQuery, type Values } from '../statement.ts';
import { MysqlConnections, type MysqlOptions } from './connections.ts';
import { isConflict, isLost, isReadOnly, isServerError, UnknownOutcomeError } from './errors.ts';
import { brokenReferences } from './foreign-keys.ts';
import { isMigrating, withMigrationLock } from './migrations.ts';
import { withRetry } from './retry.ts';
import { readSnapshot } from './snapshot.ts';

/** How long a statement may take, in milliseconds. */
const STATEMENT_TIMEOUT = 15_000;

const TABLES = defineTables(mysqlColumnTypes);

/** Creates the pool, which connects on first use. */
export async function openMysql(options: MysqlOptions): Promise<Engine> {
  const connections = new MysqlConnections(options);
  const query: Query = (sql) => runRead<RowDataPacket[]>(connections, { sql });

  return {
    dialect: 'mysql',
    tables: TABLES,
    build: unsafeCast<Engine['build']>(loadMysqlBuilder()({ casing: 'snake_case' })),
    ...makeReader(connections),
    write(query, rows) {
      const { text, bind } = compileStatement(query);
      const joined = joinSubquery(text);
      return (values) => new MysqlStep(joined, bind(values), rows);
    },
    condition(query, rows) {
      const { text, bind } = compileStatement(query);
      return (values) => new MysqlStep(`${text} lock in share mode`, bind(values), rows);
    },
    atomically: (steps) => withRetry((since) => runTransaction(connections, since, steps), isRetryable),
    tryWrite: () => tryWrite(connections),
    query,
    brokenReferences,
    isMigrating: () => isMigrating(query),
    withMigrationLock: (work) => withMigrationLock(options.url, work),
    async useWriteAheadLog() {},
    async checkpoint() {},
    readSnapshot: (work) => readSnapshot(options.url, work),
    poolUse: () => connections.use,
    close: () => connections.close(),
  };
}

/**
 * @returns a DELETE in the syntax for several tables if it has a list that is a subquery. Only then does MariaDB begin with the
 * subquery; otherwise it reads, and locks, every row of the table.
 */
function joinSubquery(text: string): string {
  return text.replace(/^delete from (`\w+`)(?=.* in \(select )/, 'delete $1 from $1');
}

function makeReader(connections: MysqlConnections): Reader {
  const readArrays = (text: string, params: unknown[]): Promise<unknown[][]> =>
    runRead<RowDataPacket[][]>(connections, { sql: text, rowsAsArray: true }, params);

  function read<Row>(query: SelectQuery<Row>) {
    const { text, bind } = compileStatement(query);
    const toRow = makeRowMapper(query);
    return async (values?: Values) => (await readArrays(text, bind(values))).map(toRow);
  }

  // A union, because a join would repeat the parent in the row of each child.
  function readWith<Parent, Child>(parentQuery: SelectQuery<Parent>, childQuery: SelectQuery<Child>) {
    const [parent, children] = [compileStatement(parentQuery), compileStatement(childQuery)];
    const [toParent, toChild] = [makeRowMapper(parentQuery), makeRowMapper(childQuery)];
    const nulls = ({ _ }: SelectQuery<unknown>) => Object.keys(_.selectedFields).map(() => 'null');
    const width = nulls(parentQuery).length;
    // The nulls go into the children's own text, because MariaDB would materialize a subquery in a temporary table.
    const indented = children.text.replace(/^select /, `$&${nulls(parentQuery)}, `);
    const text = `(select parent.*, ${nulls(childQuery)} from (${parent.text}) parent) union all (${indented})`;
    const isChild = (row: unknown[]) => row.slice(width).some((value) => value !== null);
    return async (values: Values) => {
      const rows = await readArrays(text, [...parent.bind(values), ...children.bind(values)]);
      const parentRow = rows.find((row) => !isChild(row));
      if (!parentRow) return undefined;
      const childRows = rows.filter(isChild).map((row) => toChild(row.slice(width)));
      return { parent: toParent(parentRow.slice(0, width)), children: childRows };
    };
  }

  const readOne: Reader['readOne'] = (query) => {
    const readRows = read(query);
    return async (values) => (await readRows(values))[0];
  };

  return {
    read,
    readOne,
    readOneCached: readOne,
    // drizzle's unionAll nests the queries in pairs, and MariaDB materializes each pair in a temporary table.
    readAll(queries) {
      const statements = queries.map(compileStatement);
      const text = statements.map(({ text }) => `(${text})`).join(' union all ');
      const toRow = makeRowMapper(queries[0]);
      return async (values) => {
        const params = statements.flatMap(({ bind }) => bind(values));
        return (await readArrays(text, params)).map(toRow);
      };
    },
    readWith,
    readWithCached(parentQuery, childQuery, combine) {
      const readBoth = readWith(parentQuery, childQuery);
      return async (values) => {
        const found = await readBoth(values);
        return found && combine(found.parent, found.children);
      };
    },
  };
}

/** A read is idempotent, so it is retried on another connection when its own was lost. */
async function runRead<Rows extends RowDataPacket[] | RowDataPacket[][]>(
  connections: MysqlConnections,
  options: { sql: string; rowsAsArray?: boolean },
  params?: unknown[],
): Promise<Rows> {
  const attempt = (since: number) =>
    connections.run(since, ({ connection }) =>
      connection.query<Rows>({ ...options, timeout: STATEMENT_TIMEOUT }, params),
    );
  const [rows] = await withRetry(attempt, isLost);
  return rows;
}

class MysqlStep extends PreparedStep<string> {}

type Run = (statement: string, params?: unknown[]) => Promise<number>;

/**
 * Runs the work in a transaction, which the work ends.
 * @param work gets what runs a statement and counts its rows, those that it reads or changes.
 */
async function inTransaction<Result>(
  connection: Connection,
  work: (run: Run) => Promise<Result>,
): Promise<Result> {
  const run: Run = async (statement, params = []) => {
    const [result] = await connection.query({ sql: statement, timeout: STATEMENT_TIMEOUT }, params);
    if (Array.isArray(result)) return result.length;
    return 'affectedRows' in result ? result.affectedRows : 0;
  };
  await run('START TRANSACTION');
  try {
    return await work(run);
  } catch (error) {
    // The server itself rolls back the transaction of a connection that was lost or hangs.
    if (isServerError(error)) await run('ROLLBACK').catch(() => connection.destroy());
    throw error;
  }
}

function runTransaction(
  connections: MysqlConnections,
  since: number,
  steps: Step[],
): Promise<Step | undefined> {
  const work = async (run: Run) => {
    for (const step of steps) {
      if (!(step instanceof MysqlStep)) throw new TypeError('This step was prepared by another engine.');
      if (hasExpectedRows(step, await run(step.statement, step.params))) continue;
      await run('ROLLBACK');
      return step;
    }
    try {
      await run('COMMIT');
    } catch (error) {
      if (isConflict(error) || isReadOnly(error)) throw error;
      throw new UnknownOutcomeError('COMMIT was not answered', { cause: error });
    }
    return undefined;
  };
  return connections.run(since, ({ connection }) => inTransaction(connection, work));
}

/**
 * Writes a row that nobody else can have, and takes it back. So nothing is replicated, and no other write waits for it or conflicts
 * with it. A server that is read-only, or a node that is not prepared, refuses it as any other write.
 */
async function tryWrite(connections: MysqlConnections): Promise<void> {
  const sql = 'INSERT INTO `attempts` (`key`, `failures`, `expires_at`) VALUES (?, 0, 0)';
  const work = async (run: Run) => {
    await run(sql, [randomUUID()]);
    await run('ROLLBACK');
  };
  let attempts = 0;
  await withRetry(
    (since) => connections.run(since, ({ connection }) => inTransaction(connection, work)),
    // Once more on another connection, since this one may have been idle for too long.
    (error) => isRetryable(error) && attempts++ === 0,
  );
}

/** An error after COMMIT was sent is an UnknownOutcomeError, which is never retried. */
function isRetryable(error: unknown): boolean {
  return isConflict(error) || isLost(error);
}
