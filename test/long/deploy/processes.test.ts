/** The unit of systemd is checked by its own tool, and supervisor starts, reloads and stops the service by deploy/supervisor.conf. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeSecret } from '../../../config/secret.ts';
import { deployFile, substitute, testWith } from '../../support/deploy.ts';
import { freePort } from '../../support/mysql-server.ts';
import { makeFolder, PROJECT, run } from '../../support/processes.ts';
import { isAlive, Running, until } from '../../support/running.ts';

testWith('systemd-analyze', 'systemd takes the unit, and finds it safe', async (t, systemdAnalyze) => {
  const unit = join(makeFolder(t), 'rollcall.service');
  writeFileSync(unit, substitute(deployFile('rollcall.service'), { '/opt/rollcall': PROJECT }));
  const verified = await run('/', systemdAnalyze, ['verify', '--man=no', unit]);
  t.strictSame([verified.code, verified.stderr], [0, '']);
  const security = await run('/', systemdAnalyze, ['security', '--offline=true', '--threshold=20', unit]);
  t.equal(security.code, 0, security.stdout.trim().split('\n').at(-1) ?? '');
});

testWith(
  'supervisord',
  'supervisor starts, reloads, replaces and stops the service',
  async (t, supervisord) => {
    const folder = makeFolder(t);
    const port = await freePort();
    writeFileSync(
      join(folder, 'production.env'),
      `NODE_ENV=production\nWORKERS=2\nSECRET_KEY=${makeSecret()}\nDATABASE_URL=sqlite:${folder}/rollcall.db\n`,
    );
    mkdirSync(join(folder, 'log'));
    const program = substitute(deployFile('supervisor.conf'), {
      '/opt/rollcall': PROJECT,
      '/etc/rollcall': folder,
      '/var/log': join(folder, 'log'),
      'user=rollcall\n': '',
    });
    const configuration = join(folder, 'supervisord.conf');
    writeFileSync(
      configuration,
      `[supervisord]\nnodaemon=true\nuser=${process.env.USER ?? 'root'}\nlogfile=/dev/null\nlogfile_maxbytes=0\npidfile=${folder}/pid
[unix_http_server]\nfile=${folder}/socket\n[supervisorctl]\nserverurl=unix://${folder}/socket
[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n${program}`,
    );
    const supervisor = new Running(folder, supervisord, ['-c', configuration], { PORT: `${port}` }, 'ignore');
    t.teardown(async () => {
      // It stops the service, which leads a process group of its own.
      supervisor.child.kill('SIGTERM');
      await supervisor.exit;
    });
    const control = async (...args: string[]) =>
      (await run(folder, supervisord.replace(/d$/, 'ctl'), ['-c', configuration, ...args])).stdout.trim();
    const ready = () =>
      until('the service is ready', () =>
        fetch(`http://127.0.0.1:${port}/readyz`).then(
          ({ ok }) => ok || undefined,
          () => undefined,
        ),
      );
    const log = async () => control('tail', '-1000000', 'rollcall');
    const running = async () =>
      until('supervisor calls it running', async () => {
        const found = /RUNNING\s+pid (\d+)/.exec(await control('status', 'rollcall'))?.[1];
        return found === undefined ? undefined : Number(found);
      });

    await ready();
    const primary = await running();
    t.match(await log(), /for production/, 'it has the settings of the file that APP_CONFIG_FILE names');

    await control('signal', 'HUP', 'rollcall');
    await until('the service has reloaded', async () => /reload/.test(await log()) || undefined);
    t.equal(await running(), primary, 'a reload is no restart');

    process.kill(primary, 'SIGKILL');
    const next = await until('supervisor starts it again', async () => {
      const pid = await running();
      return pid === primary ? undefined : pid;
    });
    await ready();
    t.match(await control('stop', 'rollcall'), 'rollcall: stopped');
    t.notOk(isAlive(next));
    await t.rejects(fetch(`http://127.0.0.1:${port}/livez`));
  },
);
