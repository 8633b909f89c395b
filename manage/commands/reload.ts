/** manage reload: lets the running service read its settings and code anew. */
import type { Command } from 'commander';
import { ReloadReply } from '../../config/control.ts';
import { askService } from '../service.ts';
import { print } from '../terminal.ts';

export default function addReloadCommand(program: Command): void {
  program
    .command('reload')
    .description('let the running service replace its workers, with settings and code that are read anew')
    .action(reload);
}

async function reload(): Promise<void> {
  const { replaced, needRestart, failure, waited } = await askService('reload', ReloadReply);
  if (waited) print('Another reload was under way. This one followed it.');
  print(`${replaced} ${replaced === 1 ? 'worker was' : 'workers were'} replaced.`);
  for (const name of needRestart) print(`${name} has changed, which takes effect by a restart only.`);
  if (failure !== undefined)
    throw new Error(`The reload failed, and the other workers go on as they are: ${failure}`);
}
