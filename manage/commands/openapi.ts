/**
 * manage openapi: prints the description of the API, the same whatever the settings. The service itself makes it, on a temporary
 * database.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { loadSettings } from '../../config/load.ts';
import { PROJECT_ROOT } from '../../config/project.ts';
import { makeSecret } from '../../config/secret.ts';
import { print } from '../terminal.ts';

export default function addOpenapiCommand(program: Command): void {
  program
    .command('openapi')
    .description('print the description of the API (OpenAPI 3.1, as JSON)')
    .action(async () => print(JSON.stringify(await describeApi(), undefined, 2)));
}

async function describeApi(): Promise<unknown> {
  // Loaded here, since other commands need not load the whole service.
  const { createApp } = await import('../../app.ts');
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-openapi-'));
  try {
    const environment = {
      DATABASE_URL: `sqlite:${join(folder, 'rollcall.db')}`,
      SIGN_UP: 'open',
      LOG_LEVEL: 'silent',
    };
    const settings = { ...loadSettings({ root: PROJECT_ROOT, environment }), SECRET_KEY: [makeSecret()] };
    const app = await createApp({ settings });
    const response = await app.inject('/openapi.json');
    await app.close();
    return response.json();
  } finally {
    rmSync(folder, { recursive: true });
  }
}
