/** Looks at the settings and the keys. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadSettings, type Settings } from '../../config/load.ts';
import { PROJECT_ROOT } from '../../config/project.ts';
import { parseSettingsFile } from '../../config/settings-file.ts';
import { SettingsError } from '../../config/sources.ts';
import { findRisks } from '../../config/unsafe.ts';
import { terminal } from '../terminal.ts';
import type { Finding } from './finding.ts';

/** @returns the settings, undefined if they are invalid, and what is to be said of them. */
export function checkSettings(): { settings?: Settings; findings: Finding[] } {
  try {
    const settings = loadSettings({ root: PROJECT_ROOT, environment: terminal().environment });
    const from = settings.configFile ?? 'the environment and the defaults';
    return {
      settings,
      findings: [
        { level: 'ok', about: 'settings', text: `${from}, NODE_ENV=${settings.NODE_ENV}` },
        ...findRisks(settings).map((text) => ({
          level: 'warning' as const,
          about: 'settings' as const,
          text: `${text}.`,
        })),
        ...checkKeys(settings),
      ],
    };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return {
      findings: error.message.split('\n').map((text) => ({ level: 'fault', about: 'settings', text })),
    };
  }
}

function checkKeys({ SECRET_KEY, secretPath }: Settings): Finding[] {
  const text =
    SECRET_KEY.length > 0
      ? `SECRET_KEY has ${SECRET_KEY.length === 1 ? 'one key' : `${SECRET_KEY.length} keys`}`
      : existsSync(secretPath)
        ? `the key is in ${secretPath}`
        : `the next start makes a key, in ${secretPath}`;
  return [{ level: 'ok', about: 'secret', text }];
}

/** @returns the files that hold secrets: configuration, keys, passwords of the database. */
export function secretFiles({ configFile, secretPath }: Settings): string[] {
  const { environment } = terminal();
  const text = configFile ? readFileSync(configFile, 'utf8') : '';
  const inFile = parseSettingsFile(text, '', []);
  const isSecret = /:\/\/[^/]*:[^/]*@/.test(inFile.DATABASE_URL ?? '') || inFile.SECRET_KEY;
  const named = ['SECRET_KEY_FILE', 'DATABASE_URL_FILE'].flatMap(
    (name) => environment[name] || inFile[name] || [],
  );
  return [
    ...(configFile && isSecret ? [configFile] : []),
    secretPath,
    ...named.map((path) => resolve(PROJECT_ROOT, path)),
  ];
}
