/** Loads settings in tests and collects the faults that are reported. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSettings } from '../../config/load.ts';
import { SettingsError } from '../../config/sources.ts';

/** Settings by name, as texts. */
export type Values = Record<string, string>;

/** @returns the faults that loading these settings reports, one per line; none when they are valid. */
export function faultsOf(root: string, environment: Values, flags: Values = {}): string[] {
  try {
    loadSettings({ root, environment, flags });
    return [];
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split('\n');
    throw error;
  }
}

/** @returns the path of a new file with those lines, and an environment that names it as the configuration file. */
export function configFile(folder: string, lines: string[]) {
  const path = join(folder, 'settings.env');
  writeFileSync(path, `${lines.join('\n')}\n`);
  return { path, environment: { APP_CONFIG_FILE: path } };
}

export const asLines = (values: Values) => Object.entries(values).map(([name, value]) => `${name}=${value}`);
