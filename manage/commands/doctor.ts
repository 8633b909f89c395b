/** manage doctor: looks for what is wrong with an installation, and says what to do. It changes nothing. */
import type { Command } from 'commander';
import { checkDatabaseOf } from '../doctor/database.ts';
import { checkFiles } from '../doctor/files.ts';
import type { Finding } from '../doctor/finding.ts';
import { checkService } from '../doctor/service.ts';
import { checkSettings } from '../doctor/settings.ts';
import { withJson } from '../lists.ts';
import { print } from '../terminal.ts';

export default function addDoctorCommand(program: Command): void {
  withJson(program.command('doctor'))
    .description(
      'look for what is wrong with settings, files, database and clock; fails when there is a fault',
    )
    .action(diagnose);
}

async function diagnose({ json }: { json: boolean }): Promise<void> {
  let faults = 0;
  const tell = (findings: Finding[]) => {
    for (const finding of findings) {
      if (finding.level === 'fault') faults++;
      print(
        json
          ? JSON.stringify(finding)
          : `${finding.level.padEnd(7)}  ${finding.about.padEnd(8)}  ${finding.text}`,
      );
    }
  };
  const { settings, findings } = checkSettings();
  tell(findings);
  if (settings) {
    // Before the database is opened, which makes files beside it.
    tell(checkFiles(settings));
    tell(await checkDatabaseOf(settings));
    tell(await checkService());
  }
  if (faults > 0) throw new Error(`There ${faults === 1 ? 'is a fault' : `are ${faults} faults`}.`);
}
