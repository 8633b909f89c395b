/** Asks the service that runs with these settings, by its control socket. */
import { connect } from 'node:net';
import type { Static, TSchema } from 'typebox';
import { assertOwnFolder, type ControlCommand, controlPath, readLine } from '../config/control.ts';
import { codeOf } from '../config/errors.ts';
import { commandSettings } from './context.ts';
import { errorText } from './errors.ts';

/**
 * @param schema of the answer.
 * @throws {Error} when no service runs with these settings, or it does not answer.
 */
export async function askService<Schema extends TSchema>(
  command: ControlCommand,
  schema: Schema,
): Promise<Static<Schema>> {
  const settings = commandSettings();
  if (settings.PORT === 0)
    throw new Error('PORT is 0. Set it to the port that the service has chosen, which its first line tells.');
  const path = controlPath(settings, settings.PORT);
  assertOwnFolder(path);
  const socket = connect(path);
  socket.write(`${command}\n`);
  let line: string;
  try {
    line = await readLine(socket);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ECONNREFUSED')
      throw new Error(
        `No service runs with PORT=${settings.PORT} (there is none at ${path}). Start it with "npm start", or set PORT and DATABASE_URL to those that it was started with.`,
      );
    throw new Error(`The service at ${path} could not be asked: ${errorText(error)}. Look into its log.`);
  } finally {
    socket.destroy();
  }
  const answer: unknown = JSON.parse(line);
  // These are 300 modules, which most commands do not need.
  const { Check } = await import('typebox/value');
  if (!Check(schema, answer))
    throw new Error(`The service at ${path} is of another version, whose answer can't be read. Restart it.`);
  return answer;
}
