/** Looks at the settings and the keys. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { loadSettings, type Settings } from '../../config/load.ts';
import { PROJECT_ROOT } from '../../config/project.ts';
import { withSecret } from '../../config/secret.ts';
import { parseSettingsFile } from '../../config/settings-file.ts';
import { SettingsError } from '../../config/sources.ts';
import { findRisks } from '../../config/unsafe.ts';
import { errorText } from '../errors.ts';
import { terminal } from '../terminal.ts';
import { type Finding, fault, ok, warning } from './finding.ts';

/** @returns the settings, undefined if they are invalid, and what is to be said of them. */
export function checkSettings(): { settings?: Settings; findings: Finding[] } {
  try {
    const settings = loadSettings({ root: PROJECT_ROOT, environment: terminal().environment });
    const from = settings.configFile ?? 'the environment and the defaults';
    return {
      settings,
      findings: [
        ok('settings', `${from}, NODE_ENV=${settings.NODE_ENV}`),
        ...findRisks(settings).map((text) => warning('settings', `${text}.`)),
        checkKeys(settings),
      ],
    };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { findings: error.message.split('\n').map((text) => fault('settings', text)) };
  }
}

function checkKeys(settings: Settings): Finding {
  const { SECRET_KEY, secretPath } = settings;
  const count = SECRET_KEY.length;
  if (count > 0) return ok('secret', `SECRET_KEY has ${count === 1 ? 'one key' : `${count} keys`}`);
  if (!existsSync(secretPath)) return ok('secret', `the next start makes a key, in ${secretPath}`);
  try {
    withSecret(settings);
    return ok('secret', `the key is in ${secretPath}`);
  } catch (error) {
    return fault('secret', errorText(error));
  }
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
